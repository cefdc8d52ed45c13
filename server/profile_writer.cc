// SPDX-License-Identifier: Apache-2.0
#include "server/profile_writer.h"

#include "base/log.h"
#include "base/strings.h"
#include "bson/builder.h"
#include "catalog/write_unit.h"

namespace septet::server {

ProfileWriter::~ProfileWriter() {
  std::thread thread;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    thread.swap(thread_);
  }
  if (thread.joinable()) {
    thread.join();
  }
}

void ProfileWriter::Add(std::string_view db, std::string document) {
  absl::MutexLock lock(&mutex_);
  if (stopping_) {
    return;
  }
  if (queue_.size() >= kMaxQueued) {
    queue_.pop_front();
    dropped_.Add();
  }
  queue_.emplace_back(db, std::move(document));
  if (!thread_.joinable()) {
    thread_ = std::thread([this] { Loop(); });
  }
}

void ProfileWriter::Drain() {
  absl::MutexLock lock(&mutex_);
  const auto done = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return queue_.empty() && !writing_;
  };
  mutex_.Await(absl::Condition(&done));
}

void ProfileWriter::Loop() {
  log::SetThreadContext("profiler");
  while (true) {
    std::pair<std::string, std::string> next;
    {
      absl::MutexLock lock(&mutex_);
      writing_ = false;
      const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        return stopping_ || !queue_.empty();
      };
      mutex_.Await(absl::Condition(&ready));
      if (queue_.empty()) {
        return;
      }
      next = std::move(queue_.front());
      queue_.pop_front();
      writing_ = true;
    }
    if (const Status s = Write(next.first, next.second); !s.ok()) {
      P_LOG(kWarning, kQuery, 20703, "Caught Assertion while trying to profile operation",
            {"db", next.first}, {"error", TextOf(s)});
    }
  }
}

Status ProfileWriter::Write(const std::string& db, const std::string& document) {
  const catalog::Namespace ns(db, "system.profile");
  catalog::Op op;
  catalog::CollectionPtr collection = catalog_->Find(ns.full());
  if (collection == nullptr) {
    catalog::CreateOptions options;
    options.capped = true;
    options.capped_size = kCollectionBytes;
    options.with_id_index = false;
    options.options = bson::MakeDoc("capped", true, "size", static_cast<int32_t>(kCollectionBytes));
    ASSIGN_OR_RETURN(collection, catalog_->CreateCollection(&op, ns, options));
  }
  return catalog::RetryOnConflict(&op, [&]() -> Status {
    catalog::WriteUnit unit(catalog_, &op, collection);
    RETURN_IF_ERROR(unit.Insert(bson::DocView(document)).status());
    return unit.Commit();
  });
}

}  // namespace septet::server
