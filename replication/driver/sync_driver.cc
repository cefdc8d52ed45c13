// SPDX-License-Identifier: Apache-2.0
#include "replication/driver/sync_driver.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/strings.h"
#include "bson/number.h"
#include "replication/driver/initial_sync.h"
#include "replication/driver/rollback.h"
#include "replication/oplog/entry.h"

namespace septet::repl {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds kConnectTimeout{5000};
constexpr milliseconds kMaxAwait{5000};     // also shows a living primary to this member
constexpr milliseconds kNetworkSlack{10'000};

}  // namespace

SyncDriver::SyncDriver(const Options& options, catalog::Catalog* catalog, LocalStore* store, Post post,
                       std::function<void()> on_rollback,
                       std::function<bool()> keep_rollback_files,
                       std::function<void(bool)> set_vouching)
    : options_(options), catalog_(catalog), store_(store), post_(std::move(post)),
      on_rollback_(std::move(on_rollback)),
      keep_rollback_files_(std::move(keep_rollback_files)),
      set_vouching_(std::move(set_vouching)) {}

SyncDriver::~SyncDriver() { Stop(); }

Status SyncDriver::Start() {
  ASSIGN_OR_RETURN(const int32_t rbid, store_->ReadRollbackId());
  rollback_id_ = rbid;
  ASSIGN_OR_RETURN(const bool interrupted, store_->ReadInitialSyncFlag());
  needs_initial_sync_ = interrupted || catalog_->positions()->written().optime.IsNull();
  applier_ = std::make_unique<Applier>(catalog_, options_.apply_threads);
  set_vouching_(!needs_initial_sync_);
  if (!needs_initial_sync_) {
    post_(election::FollowerModeChanged{election::MemberState::kSecondary, false});
  }
  thread_ = std::thread([this] { Run(); });
  return OkStatus();
}

void SyncDriver::Stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stop_) {
      return;
    }
    stop_ = true;
    if (client_ != nullptr) {
      client_->Close();
    }
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void SyncDriver::SetSource(std::string host) {
  {
    const std::lock_guard lock(mutex_);
    if (source_ == host) {
      return;
    }
    source_ = std::move(host);
    if (client_ != nullptr) {
      client_->Close();
    }
  }
  wake_.notify_all();
}

void SyncDriver::StartDrain(int64_t term) {
  {
    const std::lock_guard lock(mutex_);
    drain_term_ = term;
    source_.clear();
    if (client_ != nullptr) {
      client_->Close();
    }
  }
  wake_.notify_all();
}

SyncStatus SyncDriver::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void SyncDriver::NoteLogStarted() {
  set_vouching_(true);
  const std::lock_guard lock(mutex_);
  needs_initial_sync_ = false;
}

void SyncDriver::UpdateStatus(const std::function<void(SyncStatus*)>& change) {
  const std::lock_guard lock(mutex_);
  change(&status_);
}

bool SyncDriver::SourceIs(const std::string& host) {
  const std::lock_guard lock(mutex_);
  return !stop_ && source_ == host;
}

void SyncDriver::Run() {
  log::SetThreadContext("ReplFetch");
  for (;;) {
    std::string host;
    bool initial_sync = false;
    std::optional<int64_t> drain;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || drain_term_ || !source_.empty(); });
      if (stop_) {
        break;
      }
      drain = std::exchange(drain_term_, std::nullopt);
      host = source_;
      initial_sync = needs_initial_sync_;
    }
    if (drain) {
      // Batches are applied by this thread as they come: nothing is left.
      post_(election::LocalProgress{catalog_->positions()->written(), catalog_->positions()->durable()});
      post_(election::DrainComplete{*drain});
      continue;
    }
    const Status status = initial_sync ? RunInitialSync(host) : FetchFrom(host);
    if (!status.ok() && SourceIs(host)) {
      SourceFailed(host, status);
    }
  }
  Disconnect();
}

void SyncDriver::SourceFailed(const std::string& host, const Status& status) {
  P_LOG(kInfo, kReplication, 21275, "Copying the log from this member failed", {"source", host},
        {"error", TextOf(status)});
  UpdateStatus([&status](SyncStatus* s) { s->last_error = TextOf(status); });
  Disconnect();
  const ErrorCode code = CodeOf(status);
  if (code == ErrorCode::kHostUnreachable || code == ErrorCode::kSocketException) {
    // Its process may be gone: find out at once instead of waiting for a heartbeat.
    const Status again = Connect(host);
    if (CodeOf(again) == ErrorCode::kHostUnreachable) {
      post_(election::ConnectionRefused{host});
    }
    Disconnect();
  }
  {
    const std::lock_guard lock(mutex_);
    if (source_ == host) {
      source_.clear();  // the Node names a source again
    }
  }
  const bool gone_for_a_while =
      code == ErrorCode::kOplogStartMissing || code == ErrorCode::kOplogOutOfOrder;
  post_(election::SyncSourceFailed{host, gone_for_a_while ? milliseconds(60'000) : milliseconds(1000)});
}

Status SyncDriver::Connect(const std::string& host) {
  ASSIGN_OR_RETURN(const wire::HostAndPort address, wire::ParseHostAndPort(host));
  auto fresh = std::make_unique<wire::Client>();
  wire::Client* client = fresh.get();
  {
    const std::lock_guard lock(mutex_);
    if (stop_) {
      return Error(ErrorCode::kCallbackCanceled, "stopping");
    }
    client_ = std::move(fresh);
  }
  return client->Connect(address, kConnectTimeout);
}

void SyncDriver::Disconnect() {
  std::unique_ptr<wire::Client> old;
  const std::lock_guard lock(mutex_);
  old = std::move(client_);
}

StatusOr<std::string> SyncDriver::Ask(std::string_view db, bson::DocView command, milliseconds timeout) {
  ASSIGN_OR_RETURN(std::string reply, client_->RunCommand(db, command, timeout));
  RETURN_IF_ERROR(wire::StatusOfReply(bson::DocView(reply)));
  return reply;
}

StatusOr<OpTimeAndWall> SyncDriver::NewestOf(const std::string&) {
  ASSIGN_OR_RETURN(const std::string reply,
                   Ask("admin", bson::DocView(bson::MakeDoc("septetOplogPositions", 1, "limit", int64_t{1})),
                       kNetworkSlack));
  const bson::ValueView list = bson::DocView(reply).Find("positions");
  if (!list.is_array() || list.AsArray().empty()) {
    return Error(ErrorCode::kOplogStartMissing, "the source has no log yet");
  }
  const bson::DocView p = list.AsArray().FirstElement().value().AsDoc();
  OpTimeAndWall out;
  out.optime = ParseOpTime(bson::ValueView(bson::Type::kObject, p.data()));
  out.wall_millis = p.Find("wall").AsDateMillis();
  return out;
}

Status SyncDriver::FetchFrom(const std::string& host) {
  source_rollback_id_ = -1;
  RETURN_IF_ERROR(Connect(host));
  while (SourceIs(host)) {
    const OpTime after = catalog_->positions()->written().optime;
    bson::DocBuilder command;
    command.Append("septetFetchOplog", 1);
    AppendOpTime(&command, "after", after);
    AppendOpTime(&command, "commitPoint", catalog_->positions()->commit_point().optime);
    command.Append("maxAwaitMillis", static_cast<int64_t>(kMaxAwait.count()));
    command.Append("maxBytes", options_.batch_bytes);
    const std::string bytes = command.Finish();
    const int64_t asked = MonotonicMicros();
    ASSIGN_OR_RETURN(std::string reply,
                     Ask("admin", bson::DocView(bytes), kMaxAwait + kNetworkSlack));
    UpdateStatus([asked](SyncStatus* s) {
      ++s->fetches;
      s->fetch_micros += MonotonicMicros() - asked;
    });
    if (!SourceIs(host)) {
      break;
    }
    RETURN_IF_ERROR(HandleReply(host, after, std::move(reply), false));
  }
  Disconnect();
  return OkStatus();
}

// Entries must follow my log without a gap and in order.
Status SyncDriver::CheckOrder(const OpTime& after, const std::vector<bson::DocView>& entries) {
  OpTime last = after;
  for (const bson::DocView entry : entries) {
    const OpTime at = EntryOpTime(entry);
    if (at.ts <= last.ts || at.term < last.term) {
      return Error(ErrorCode::kOplogOutOfOrder,
                   StrCat("the source's log is out of order at ", at.ToString(), " after ", last.ToString()));
    }
    last = at;
  }
  return OkStatus();
}

Status SyncDriver::HandleReply(const std::string& host, const OpTime& after, std::string reply,
                               bool tolerant) {
  const bson::DocView doc(reply);
  election::FetchMetadata metadata = election::FetchMetadata::FromBson(doc);
  if (source_rollback_id_ < 0) {
    source_rollback_id_ = metadata.rbid;
  } else if (source_rollback_id_ != metadata.rbid) {
    return Error(ErrorCode::kInvalidSyncSource, "the source has rolled back");
  }
  if (!doc.Find("found").Truthy()) {
    return SourceLacksMyPosition(host, after, doc, metadata);
  }
  std::vector<bson::DocView> entries;
  const bson::ValueView list = doc.Find("entries");
  if (list.is_array()) {
    for (const bson::ElementView e : list.AsArray()) {
      entries.push_back(e.value().AsDoc());
    }
  }
  RETURN_IF_ERROR(CheckOrder(after, entries));
  if (!entries.empty()) {
    const int64_t start = MonotonicMicros();
    const Status applied = applier_->Apply(entries, tolerant);
    const int64_t micros = MonotonicMicros() - start;
    if (!applied.ok()) {
      P_LOG(kFatal, kReplication, 34437, "An entry of the log cannot be applied here",
            {"source", host}, {"error", TextOf(applied)});
      return applied;
    }
    catalog_->sequencer()->RequestSync();
    UpdateStatus([&](SyncStatus* s) {
      ++s->fetched_batches;
      s->fetched_bytes += static_cast<int64_t>(reply.size());
      s->fetched_ops += static_cast<int64_t>(entries.size());
      s->applied_ops = applier_->applied();
      s->apply_micros += micros;
      s->applied = applier_->applied_ops();
    });
    if (!tolerant) {
      post_(election::LocalProgress{catalog_->positions()->written(), catalog_->positions()->durable()});
    }
  }
  if (!tolerant) {
    post_(election::BatchFetched{host, std::move(metadata)});
  }
  return OkStatus();
}

// No entry at my position in the source's log: it is behind, or I am too far behind, or we have parted.
Status SyncDriver::SourceLacksMyPosition(const std::string& host, const OpTime& after, bson::DocView reply,
                                         const election::FetchMetadata& metadata) {
  if (metadata.last_written < after) {
    return Error(ErrorCode::kInvalidSyncSource, "the source is behind this member");
  }
  const bson::ValueView oldest = reply.Find("oldest");
  if (oldest.type() == bson::Type::kTimestamp && after.ts < oldest.AsTimestamp()) {
    post_(election::FollowerModeChanged{election::MemberState::kRecovering, true});
    return Error(ErrorCode::kOplogStartMissing,
                 "this member is too stale: the source's log starts after its newest entry");
  }
  return RunRollback(host);
}

Status SyncDriver::RunInitialSync(const std::string& host) {
  UpdateStatus([&host](SyncStatus* s) {
    s->initial.running = true;
    s->initial.ever_ran = true;
    s->initial.source = host;
    s->initial.copied_bytes = s->initial.copied_documents = s->initial.total_bytes = 0;
    s->initial.databases.clear();
  });
  source_rollback_id_ = -1;
  InitialSync sync(this, catalog_, store_, applier_.get());
  const Status status = sync.Run(host);
  UpdateStatus([&status](SyncStatus* s) {
    s->initial.failed_attempts += status.ok() ? 0 : 1;
    s->initial.running = !status.ok();
  });
  if (!status.ok()) {
    return status;
  }
  NoteLogStarted();
  Disconnect();
  post_(election::LocalProgress{catalog_->positions()->written(), catalog_->positions()->durable()});
  post_(election::FollowerModeChanged{election::MemberState::kSecondary, false});
  {
    // The Node chooses a source again for copying the log.
    const std::lock_guard lock(mutex_);
    source_.clear();
  }
  post_(election::SyncSourceFailed{host, milliseconds(0)});
  return OkStatus();
}

Status SyncDriver::RunRollback(const std::string& host) {
  post_(election::FollowerModeChanged{election::MemberState::kRollback, false});
  Rollback rollback(this, catalog_, store_,
                    keep_rollback_files_() ? options_.data_dir : std::string());
  const Status status = rollback.Run(host);
  if (status.ok()) {
    ++rollback_id_;
    on_rollback_();
    UpdateStatus([](SyncStatus* s) { ++s->rollbacks; });
  }
  post_(election::LocalProgress{catalog_->positions()->written(), catalog_->positions()->durable()});
  post_(election::FollowerModeChanged{
      status.ok() ? election::MemberState::kSecondary : election::MemberState::kRecovering, false});
  return status;
}

}  // namespace septet::repl
