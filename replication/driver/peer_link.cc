// SPDX-License-Identifier: Apache-2.0
#include "replication/driver/peer_link.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "base/strings.h"
#include "wire/net/client.h"

namespace septet::repl {

class PeerLink::Worker {
 public:
  Worker(std::string host, std::string_view name) : host_(std::move(host)), name_(name) {
    thread_ = std::thread([this] { Run(); });
  }

  ~Worker() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
      if (client_ != nullptr) {
        client_->Close();
      }
    }
    wake_.notify_all();
    thread_.join();
    for (Job& job : jobs_) {
      job.done({Error(ErrorCode::kCallbackCanceled, "the connection is closing"), "", false});
    }
  }

  void Add(std::string command, std::chrono::milliseconds timeout, Callback done) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back({std::move(command), timeout, std::move(done)});
    }
    wake_.notify_one();
  }

 private:
  struct Job {
    std::string command;
    std::chrono::milliseconds timeout;
    Callback done;
  };

  void Run() {
    log::SetThreadContext(StrCat(name_, "-", host_));
    for (;;) {
      Job job;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
        if (stop_) {
          return;
        }
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
      Answer answer = Ask(job);
      job.done(std::move(answer));
    }
  }

  // A connection that was idle may have died; one try on a fresh connection follows a failure on an old
  // one, so that a restarted member is reached at once and a dead one is seen as refused.
  Answer Ask(const Job& job) {
    const bool old_connection = client_ != nullptr && client_->usable();
    Answer answer = AskOnce(job);
    if (!answer.status.ok() && old_connection && !client_->usable() && !answer.refused &&
        CodeOf(answer.status) != ErrorCode::kNetworkTimeout) {
      answer = AskOnce(job);
    }
    return answer;
  }

  Answer AskOnce(const Job& job) {
    Answer answer;
    if (client_ == nullptr || !client_->usable()) {
      const Status connected = Connect(job.timeout);
      if (!connected.ok()) {
        answer.status = connected;
        answer.refused = CodeOf(connected) == ErrorCode::kHostUnreachable;
        return answer;
      }
    }
    StatusOr<std::string> reply = client_->RunCommand("admin", bson::DocView(job.command), job.timeout);
    if (!reply.ok()) {
      answer.status = reply.status();
      return answer;
    }
    answer.status = wire::StatusOfReply(bson::DocView(*reply));
    answer.reply = *std::move(reply);
    return answer;
  }

  Status Connect(std::chrono::milliseconds timeout) {
    ASSIGN_OR_RETURN(const wire::HostAndPort address, wire::ParseHostAndPort(host_));
    auto fresh = std::make_unique<wire::Client>();
    wire::Client* client = fresh.get();
    {
      const std::lock_guard lock(mutex_);
      if (stop_) {
        return Error(ErrorCode::kCallbackCanceled, "the connection is closing");
      }
      client_ = std::move(fresh);
    }
    return client->Connect(address, timeout);
  }

  const std::string host_;
  const std::string name_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::unique_ptr<wire::Client> client_;  // replaced under mutex_; used by the thread alone but Close
  bool stop_ = false;
  std::thread thread_;
};

PeerLink::PeerLink(std::string host)
    : host_(std::move(host)),
      heartbeat_(std::make_unique<Worker>(host_, "Heartbeat")),
      other_(std::make_unique<Worker>(host_, "PeerLink")) {}

PeerLink::~PeerLink() = default;

void PeerLink::Send(Lane lane, std::string command, std::chrono::milliseconds timeout, Callback done) {
  (lane == Lane::kHeartbeat ? heartbeat_ : other_)->Add(std::move(command), timeout, std::move(done));
}

}  // namespace septet::repl
