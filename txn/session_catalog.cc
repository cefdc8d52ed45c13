// SPDX-License-Identifier: Apache-2.0
#include "txn/session_catalog.h"

#include <cstring>
#include <string>
#include <unordered_map>

#include "absl/synchronization/mutex.h"
#include "base/check.h"
#include "base/strings.h"
#include "bson/builder.h"
#include "catalog/side_record.h"
#include "txn/session_record.h"

namespace septet::txn {

using bson::DocView;
using catalog::CollectionPtr;
using catalog::SideRecord;

namespace {

constexpr size_t kMaxIdleSessions = 20'000;

std::string Base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t v = 0;
    for (size_t j = 0; j < 3; ++j) {
      v = v << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0u);
    }
    for (size_t j = 0; j < 4; ++j) {
      out += i + j <= bytes.size() ? kDigits[v >> (18 - 6 * j) & 63] : '=';
    }
  }
  return out;
}

// One session. Everything belongs to the operation that holds it, except `held`.
class Session final : public catalog::SessionSink {
 public:
  bool held = false;  // guarded by the catalog's mutex

  // Reads the stored record unless the copy is from the same period.
  Status Load(catalog::Catalog* catalog, DocView lsid) {
    transactions_ = catalog->Find(kTransactionsName);
    images_ = catalog->Find(kImagesName);
    if (transactions_ == nullptr || images_ == nullptr) {
      return Error(ErrorCode::kInternalError, "the session tables do not exist");
    }
    const int64_t epoch = catalog->sequencer()->epoch();
    if (loaded_ && loaded_epoch_ == epoch) {
      return OkStatus();
    }
    lsid_ = lsid.ToBytes();
    const bson::ValueView id(bson::Type::kObject, lsid_.data());
    ASSIGN_OR_RETURN(stored_, FindSideRecord(catalog->engine(), *transactions_, id));
    ASSIGN_OR_RETURN(image_, FindSideRecord(catalog->engine(), *images_, id));
    record_ = SessionRecord();
    if (stored_.rid != 0) {
      ASSIGN_OR_RETURN(record_, DecodeSession(DocView(stored_.document)));
    }
    active_ = record_.txn_number;
    loaded_ = true;
    loaded_epoch_ = epoch;
    return OkStatus();
  }

  // Makes `number` the session's current one.
  Status Start(int64_t number) {
    if (number < active_) {
      return Error(ErrorCode::kTransactionTooOld,
                   StrCat("Retryable write with txnNumber ", number,
                          " is prohibited on session ", SessionText(DocView(lsid_)),
                          " because a newer retryable write with txnNumber ", active_,
                          " has already started on this session."));
    }
    if (number == record_.txn_number && record_.is_transaction) {
      return Error(ErrorCode::kIncompleteTransactionHistory,
                   "Cannot retry a retryable write that has been converted into a transaction");
    }
    active_ = number;
    return OkStatus();
  }

  std::vector<StatementResult> Executed() const {
    if (record_.txn_number != active_) {
      return {};
    }
    std::vector<StatementResult> out = record_.Results();
    // Only findAndModify keeps an image, and it is alone under its number.
    if (out.size() == 1 && image_.rid != 0) {
      const DocView image(image_.document);
      if (image.Find("txnNum").type() == bson::Type::kInt64 &&
          image.Find("txnNum").AsInt64() == active_ && image.Find("image").is_object()) {
        out[0].has_image = true;
        out[0].is_post_image = image.Find("imageKind").is_string() &&
                               image.Find("imageKind").AsString() == "postImage";
        out[0].image = image.Find("image").AsDoc().ToBytes();
      }
    }
    return out;
  }

  repl::OpTime last_write() const override {
    return record_.txn_number == active_ ? record_.last_write : repl::OpTime();
  }

  bool OnSequenced(const std::vector<catalog::ExecutedStatement>& statements,
                   const catalog::RetryImage& image, const repl::OpTime& last, int64_t wall_millis,
                   storage::WriteBatch* out, std::string* undo, std::string* image_undo,
                   bool* has_image_undo) override {
    before_ = {record_, stored_, image_};
    const bool new_number = record_.txn_number != active_;
    if (new_number) {
      *undo = stored_.document;
      record_ = SessionRecord();
      record_.txn_number = active_;
    }
    for (const catalog::ExecutedStatement& statement : statements) {
      record_.Add(statement);
    }
    record_.last_write = last;
    record_.last_write_millis = wall_millis;
    PutSideRecord(*transactions_, DocView(EncodeSession(DocView(lsid_), record_)), &stored_, out);
    if (!image.document.empty()) {
      *has_image_undo = true;
      *image_undo = image_.document;
      PutSideRecord(*images_,
                    DocView(EncodeImage(DocView(lsid_), active_, image.at.ts, image.is_post_image,
                                        DocView(image.document))),
                    &image_, out);
    }
    return new_number;
  }

  void OnWritten() override { before_ = {}; }

  void OnAborted() override {
    ForgetSideChange(*transactions_, before_.stored, stored_);
    ForgetSideChange(*images_, before_.image, image_);
    record_ = before_.record;
    stored_ = before_.stored;
    image_ = before_.image;
    before_ = {};
  }

 private:
  struct State {
    SessionRecord record;
    SideRecord stored;
    SideRecord image;
  };

  std::string lsid_;
  CollectionPtr transactions_;
  CollectionPtr images_;
  bool loaded_ = false;
  int64_t loaded_epoch_ = -1;
  int64_t active_ = -1;      // the newest number seen; its record may not be written yet
  SessionRecord record_;     // what stored_ holds
  SideRecord stored_;
  SideRecord image_;
  State before_;             // of the change that is being committed
};

}  // namespace

std::string SessionText(DocView lsid) {
  const bson::ValueView id = lsid.Find("id");
  const bson::ValueView uid = lsid.Find("uid");
  std::string out;
  if (id.type() == bson::Type::kBinData && id.AsBinData().bytes.size() == 16) {
    catalog::Uuid uuid;
    std::memcpy(uuid.bytes, id.AsBinData().bytes.data(), 16);
    out = uuid.ToString();
  }
  out += " - ";
  if (uid.type() == bson::Type::kBinData) {
    out += Base64(uid.AsBinData().bytes);
  }
  return out;
}

struct SessionCatalog::Impl {
  explicit Impl(catalog::Catalog* c) : catalog(c) {}

  // Null and WouldBlock() or the kill code if it cannot be had.
  StatusOr<Session*> CheckOut(catalog::Op* op, const std::string& lsid) {
    absl::MutexLock lock(&mu);
    if (sessions.size() > kMaxIdleSessions) {
      DropIdle();
    }
    while (true) {
      std::unique_ptr<Session>& session = sessions[lsid];
      if (session == nullptr) {
        session = std::make_unique<Session>();
      }
      if (!session->held) {
        session->held = true;
        return session.get();
      }
      if (!op->may_block) {
        return catalog::WouldBlock();
      }
      RETURN_IF_ERROR(op->interrupt.CheckNow());
      given_back.WaitWithTimeout(&mu, absl::Milliseconds(50));
    }
  }

  void GiveBack(Session* session) {
    absl::MutexLock lock(&mu);
    P_CHECK(session->held);
    session->held = false;
    given_back.SignalAll();
  }

  void DropIdle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    std::erase_if(sessions, [](const auto& item) { return !item.second->held; });
  }

  Status EnsureTables(catalog::Op* op) {
    for (const std::string_view name : {kTransactionsName, kImagesName}) {
      if (catalog->Find(name) != nullptr) {
        continue;
      }
      const auto made =
          catalog->CreateCollection(op, catalog::Namespace::Parse(name), catalog::CreateOptions());
      if (!made.ok() && CodeOf(made.status()) != ErrorCode::kNamespaceExists) {
        return made.status();
      }
    }
    return OkStatus();
  }

  StatusOr<bool> ReapOne(catalog::Op* op, const std::string& lsid, int64_t before_millis);

  catalog::Catalog* const catalog;
  absl::Mutex mu;
  absl::CondVar given_back;
  std::unordered_map<std::string, std::unique_ptr<Session>> sessions ABSL_GUARDED_BY(mu);
};

SessionCatalog::SessionCatalog(catalog::Catalog* catalog)
    : impl_(std::make_unique<Impl>(catalog)) {}
SessionCatalog::~SessionCatalog() = default;

Status SessionCatalog::OnStepUp(catalog::Op* op) { return impl_->EnsureTables(op); }

StatusOr<std::vector<StatementResult>> SessionCatalog::BeginRetryableWrite(catalog::Op* op) {
  P_CHECK(op->session.has_value() && op->session->sink == nullptr);
  switch (impl_->catalog->sequencer()->mode()) {
    case repl::Sequencer::Mode::kStandalone:
      return Error(ErrorCode::kIllegalOperation,
                   "Transaction numbers are only allowed on a replica set member or mongos");
    case repl::Sequencer::Mode::kFollower:
      return Error(ErrorCode::kNotWritablePrimary, "not primary");
    case repl::Sequencer::Mode::kPrimary:
      break;
  }
  RETURN_IF_ERROR(impl_->EnsureTables(op));
  ASSIGN_OR_RETURN(Session* const session, impl_->CheckOut(op, op->session->lsid));
  Status status = session->Load(impl_->catalog, DocView(op->session->lsid));
  if (status.ok()) {
    status = session->Start(op->session->txn_number);
  }
  if (!status.ok()) {
    impl_->GiveBack(session);
    return status;
  }
  op->session->sink = session;
  return session->Executed();
}

void SessionCatalog::EndRetryableWrite(catalog::Op* op) {
  if (op->session.has_value() && op->session->sink != nullptr) {
    Session* const session = static_cast<Session*>(op->session->sink);
    op->session->sink = nullptr;
    impl_->GiveBack(session);
  }
}

void SessionCatalog::Clear() {
  absl::MutexLock lock(&impl_->mu);
  impl_->DropIdle();
}

// Removes one record if it is still old once nobody can write it: the session is ours (primary), and
// the commit order too (an applier).
StatusOr<bool> SessionCatalog::Impl::ReapOne(catalog::Op* op, const std::string& lsid,
                                             int64_t before_millis) {
  ASSIGN_OR_RETURN(Session* const session, CheckOut(op, lsid));
  struct Removed {
    CollectionPtr table;
    SideRecord before;
  };
  std::vector<Removed> removed;
  const auto remove = [&](storage::WriteBatch* batch) -> Status {
    const bson::ValueView id(bson::Type::kObject, lsid.data());
    for (const std::string_view name : {kTransactionsName, kImagesName}) {
      const CollectionPtr c = catalog->Find(name);
      if (c == nullptr) {
        return OkStatus();
      }
      ASSIGN_OR_RETURN(SideRecord record, FindSideRecord(catalog->engine(), *c, id));
      const bson::ValueView date = record.rid != 0 ? DocView(record.document).Find("lastWriteDate")
                                                   : bson::ValueView();
      if (name == kTransactionsName &&
          (date.type() != bson::Type::kDate || date.AsDateMillis() >= before_millis)) {
        return OkStatus();
      }
      removed.push_back({c, record});
      RemoveSideRecord(*c, &record, batch);
    }
    return OkStatus();
  };
  const Status status = catalog->sequencer()->RunExclusive(remove);
  if (!status.ok()) {
    for (const Removed& r : removed) {
      ForgetSideChange(*r.table, r.before, SideRecord());
    }
  }
  absl::MutexLock lock(&mu);
  P_CHECK(session->held);
  sessions.erase(lsid);
  given_back.SignalAll();
  RETURN_IF_ERROR(status);
  return !removed.empty();
}

StatusOr<int64_t> SessionCatalog::ReapExpired(catalog::Op* op, int64_t before_millis) {
  const CollectionPtr c = impl_->catalog->Find(kTransactionsName);
  if (c == nullptr) {
    return 0;
  }
  std::vector<std::string> old;
  catalog::RecordCursor cursor(impl_->catalog->engine(), *c, nullptr, true);
  for (cursor.SeekFirst(); cursor.valid(); cursor.Next()) {
    const bson::ValueView date = cursor.doc().Find("lastWriteDate");
    if (date.type() == bson::Type::kDate && date.AsDateMillis() < before_millis &&
        cursor.doc().Find("_id").is_object()) {
      old.push_back(cursor.doc().Find("_id").AsDoc().ToBytes());
    }
  }
  RETURN_IF_ERROR(cursor.status());
  int64_t count = 0;
  for (const std::string& lsid : old) {
    RETURN_IF_ERROR(op->interrupt.CheckNow());
    ASSIGN_OR_RETURN(const bool removed, impl_->ReapOne(op, lsid, before_millis));
    count += removed ? 1 : 0;
  }
  return count;
}

}  // namespace septet::txn
