// SPDX-License-Identifier: Apache-2.0
#include "server/dispatcher.h"

#include "base/log.h"
#include "base/strings.h"
#include "bson/builder.h"
#include "commands/operations.h"
#include "commands/replication_info.h"
#include "server/client.h"
#include "server/legacy.h"
#include "server/operation.h"

namespace septet::server {
namespace {

Client& ClientOf(wire::Connection& connection) {
  return *static_cast<Client*>(connection.state());
}

}  // namespace

Dispatcher::Dispatcher(const commands::Services* services, repl::Positions* positions,
                       const Options& options)
    : services_(services), positions_(positions), options_(options),
      workers_(options.max_workers) {
  services_->operations->OnKill([this](uint64_t op_id) { WakeKilled(op_id); });
  if (positions_ != nullptr) {
    positions_->OnWritten([this] { OnNewData(); });
  }
}

Dispatcher::~Dispatcher() { Stop(); }

void Dispatcher::Stop() { workers_.Stop(); }

std::unique_ptr<wire::ClientState> Dispatcher::OnConnect(wire::Connection& connection) {
  const int64_t open = counts_.current.fetch_add(1, std::memory_order_relaxed) + 1;
  counts_.total.fetch_add(1, std::memory_order_relaxed);
  P_LOG(kInfo, kNetwork, 22943, "Connection accepted", {"remote", connection.facts().remote},
        {"connectionId", connection.facts().id}, {"connectionCount", open});
  return std::make_unique<Client>(this, &connection);
}

void Dispatcher::OnClose(wire::Connection& connection) {
  const int64_t open = counts_.current.fetch_sub(1, std::memory_order_relaxed) - 1;
  P_LOG(kInfo, kNetwork, 22944, "Connection ended", {"remote", connection.facts().remote},
        {"connectionId", connection.facts().id}, {"connectionCount", open});
  ClientOf(connection).operation().OnClose();
}

void Dispatcher::Handle(const std::shared_ptr<wire::Connection>& connection,
                        wire::Request&& request) {
  Client& client = ClientOf(*connection);
  const wire::OpQuery* query = request.query();
  if (request.msg() != nullptr || (query != nullptr && query->is_command())) {
    client.operation().Start(std::move(request));
    return;
  }
  HandleLegacy(this, connection, &client, std::move(request));
}

std::string Dispatcher::ErrorBody(wire::Connection&, const Status& status) {
  bson::DocBuilder out;
  out.Append("ok", 0.0).Append("errmsg", TextOf(status));
  out.Append("code", static_cast<int32_t>(CodeOf(status)));
  out.Append("codeName", CodeName(CodeOf(status)));
  return out.Finish();
}

void Dispatcher::AddParked(uint64_t op_id, const std::shared_ptr<wire::Connection>& connection) {
  absl::MutexLock lock(&mutex_);
  parked_[op_id] = connection;
}

void Dispatcher::RemoveParked(uint64_t op_id) {
  absl::MutexLock lock(&mutex_);
  parked_.erase(op_id);
}

void Dispatcher::WakeKilled(uint64_t op_id) {
  std::shared_ptr<wire::Connection> connection;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = parked_.find(op_id);
    if (it == parked_.end()) {
      return;
    }
    connection = it->second.lock();
  }
  if (connection != nullptr) {
    connection->io().Post(
        [connection, op_id] { ClientOf(*connection).operation().OnKill(op_id); });
  }
}

uint64_t Dispatcher::AddDataWaiter(DataWaiter waiter) {
  absl::MutexLock lock(&data_mutex_);
  const uint64_t id = next_data_waiter_++;
  data_waiters_.emplace(id, std::move(waiter));
  data_waiter_count_.store(static_cast<int>(data_waiters_.size()), std::memory_order_seq_cst);
  return id;
}

void Dispatcher::RemoveDataWaiter(uint64_t id) {
  absl::MutexLock lock(&data_mutex_);
  data_waiters_.erase(id);
  data_waiter_count_.store(static_cast<int>(data_waiters_.size()), std::memory_order_relaxed);
}

// A waiter registers and then compares the version; the version grows before the count is read: one of
// the two sees the other.
void Dispatcher::OnNewData() {
  data_version_.fetch_add(1, std::memory_order_seq_cst);
  if (data_waiter_count_.load(std::memory_order_seq_cst) == 0) {
    return;
  }
  std::vector<DataWaiter> wake;
  {
    absl::MutexLock lock(&data_mutex_);
    wake.reserve(data_waiters_.size());
    for (const auto& [id, waiter] : data_waiters_) {
      wake.push_back(waiter);
    }
    data_waiters_.clear();
    data_waiter_count_.store(0, std::memory_order_relaxed);
  }
  for (const DataWaiter& waiter : wake) {
    waiter();
  }
}

}  // namespace septet::server
