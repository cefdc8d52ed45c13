// SPDX-License-Identifier: Apache-2.0
#include "replication/driver/election_driver.h"

#include "base/log.h"
#include "base/strings.h"

namespace septet::repl {

using election::Event;

namespace {

// Own positions reach the Node at least so often even if nobody says so.
constexpr std::chrono::milliseconds kProgressInterval{50};

TimePoint Now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now());
}

Status Closing() { return Error(ErrorCode::kShutdownInProgress, "the server is shutting down"); }

}  // namespace

ElectionDriver::ElectionDriver(const Options& options, catalog::Catalog* catalog, LocalStore* store,
                               ElectionHooks hooks)
    : options_(options), catalog_(catalog), store_(store), hooks_(std::move(hooks)) {}

ElectionDriver::~ElectionDriver() { Stop(); }

Status ElectionDriver::Start() {
  election::StoredState stored;
  ASSIGN_OR_RETURN(stored.config, store_->ReadConfig());
  ASSIGN_OR_RETURN(stored.last_vote, store_->ReadLastVote());
  stored.newest = catalog_->positions()->written();
  election::NodeOptions node = options_.node;
  node.self_hosts = options_.self.names;
  if (stored.config) {
    for (const election::MemberConfig& member : stored.config->members) {
      if (IsThisProcess(member.host, options_.self)) {
        node.self_hosts.push_back(member.host);
      }
    }
  }
  node_ = std::make_unique<election::Node>(std::move(node), std::move(stored), options_.seed);
  storage_thread_ = std::thread([this] { RunStorage(); });
  PublishSnapshot();
  thread_ = std::thread([this] { Run(); });
  catalog_->positions()->OnDurable([this] { PostProgress(); });
  return OkStatus();
}

void ElectionDriver::Stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stop_) {
      return;
    }
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
  links_.clear();
  {
    const std::lock_guard lock(storage_mutex_);
    storage_stop_ = true;
  }
  storage_wake_.notify_all();
  if (storage_thread_.joinable()) {
    storage_thread_.join();
  }
  const Status closing = Closing();
  std::unordered_map<election::ReplyId, AdminDone> admin;
  std::unordered_map<election::ReplyId, HeartbeatDone> heartbeats;
  std::unordered_map<election::ReplyId, VoteDone> votes;
  {
    const std::lock_guard lock(replies_mutex_);
    closed_ = true;
    admin.swap(admin_replies_);
    heartbeats.swap(heartbeat_replies_);
    votes.swap(vote_replies_);
  }
  for (auto& [id, done] : admin) {
    done(closing, "");
  }
  for (auto& [id, done] : heartbeats) {
    done(closing, {});
  }
  for (auto& [id, done] : votes) {
    done(closing, {});
  }
}

void ElectionDriver::Post(Event event) {
  {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  wake_.notify_one();
}

void ElectionDriver::PostProgress() {
  {
    const std::lock_guard lock(mutex_);
    if (progress_dirty_) {
      return;
    }
    progress_dirty_ = true;
  }
  wake_.notify_one();
}

election::LocalProgress ElectionDriver::CurrentProgress() const {
  const Positions* positions = catalog_->positions();
  election::LocalProgress progress;
  progress.durable = positions->durable();
  progress.written = positions->written();
  return progress;
}

void ElectionDriver::Run() {
  log::SetThreadContext("ReplCoord");
  {
    election::Actions actions;
    {
      const std::lock_guard lock(node_mutex_);
      actions = node_->Start(Now());
    }
    Execute(std::move(actions));
    PublishSnapshot();
  }
  TimePoint next_progress = Now() + kProgressInterval;
  for (;;) {
    std::deque<Event> events;
    bool progress = false;
    {
      std::unique_lock lock(mutex_);
      TimePoint until = next_progress;
      if (wake_at_ && *wake_at_ < until) {
        until = *wake_at_;
      }
      wake_.wait_until(lock, std::chrono::steady_clock::time_point(until),
                       [this] { return stop_ || !events_.empty() || progress_dirty_; });
      if (stop_) {
        return;
      }
      events.swap(events_);
      progress = progress_dirty_;
      progress_dirty_ = false;
    }
    if (progress || Now() >= next_progress) {
      next_progress = Now() + kProgressInterval;
      if (vouching_) {
        StepOne(CurrentProgress());
      }
    }
    for (const Event& event : events) {
      StepOne(event);
    }
    if (wake_at_ && Now() >= *wake_at_) {
      wake_at_.reset();
      StepOne(election::TimerFired{});
    }
  }
}

void ElectionDriver::StepOne(const Event& event) {
  election::Actions actions;
  {
    const std::lock_guard lock(node_mutex_);
    actions = node_->Step(event, Now());
  }
  Execute(std::move(actions));
  ReleaseSatisfied();
  if (!std::holds_alternative<election::LocalProgress>(event)) {
    PublishSnapshot();
  }
}

void ElectionDriver::Execute(election::Actions actions) {
  for (const election::Action& action : actions) {
    std::visit([this](const auto& a) { Do(a); }, action);
  }
}

void ElectionDriver::PublishSnapshot() {
  auto fresh = std::make_shared<election::Snapshot>();
  {
    const std::lock_guard lock(node_mutex_);
    *fresh = node_->MakeSnapshot();
  }
  const std::lock_guard lock(snapshot_mutex_);
  snapshot_ = std::move(fresh);
}

SnapshotPtr ElectionDriver::snapshot() const {
  const std::lock_guard lock(snapshot_mutex_);
  return snapshot_;
}

void ElectionDriver::OnStorageThread(std::function<void()> work) {
  {
    const std::lock_guard lock(storage_mutex_);
    storage_jobs_.push_back(std::move(work));
  }
  storage_wake_.notify_one();
}

void ElectionDriver::RunStorage() {
  log::SetThreadContext("ReplStorage");
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock(storage_mutex_);
      storage_wake_.wait(lock, [this] { return storage_stop_ || !storage_jobs_.empty(); });
      if (storage_jobs_.empty()) {
        return;
      }
      job = std::move(storage_jobs_.front());
      storage_jobs_.pop_front();
    }
    job();
  }
}

template <typename Replies, typename Done>
std::optional<election::ReplyId> ElectionDriver::NewReply(Replies* replies, Done done) {
  {
    const std::lock_guard lock(replies_mutex_);
    if (!closed_) {
      const election::ReplyId id = next_reply_++;
      replies->emplace(id, std::move(done));
      return id;
    }
  }
  done(Closing(), {});
  return std::nullopt;
}

std::optional<election::ReplyId> ElectionDriver::NewAdminReply(AdminDone done) {
  return NewReply(&admin_replies_, std::move(done));
}

void ElectionDriver::HandleHeartbeat(election::HeartbeatRequest request, HeartbeatDone done) {
  const auto id = NewReply(&heartbeat_replies_, std::move(done));
  if (!id) {
    return;
  }
  election::HeartbeatRequestReceived event;
  event.reply_id = *id;
  event.has_data = request.check_empty && hooks_.has_data();
  event.request = std::move(request);
  Post(std::move(event));
}

void ElectionDriver::HandleVoteRequest(election::VoteRequest request, VoteDone done) {
  const auto id = NewReply(&vote_replies_, std::move(done));
  if (!id) {
    return;
  }
  election::VoteRequestReceived event;
  event.reply_id = *id;
  event.request = std::move(request);
  Post(std::move(event));
}

void ElectionDriver::HandleUpdatePosition(election::UpdatePositionRequest request, AdminDone done) {
  election::UpdatePositionReceived event;
  event.request = std::move(request);
  HandleAdmin(std::move(event), std::move(done));
}

void ElectionDriver::ResolveSelf(const election::ReplSetConfig& config) {
  for (const election::MemberConfig& member : config.members) {
    if (IsThisProcess(member.host, options_.self)) {
      const std::lock_guard lock(node_mutex_);
      node_->AddSelfHost(member.host);
    }
  }
}

// --- write concerns ---

Status ElectionDriver::CheckSatisfiable(const WriteConcern& concern) const {
  const std::lock_guard lock(node_mutex_);
  return queue_.CheckSatisfiable(concern, node_->progress());
}

bool ElectionDriver::IsSatisfied(const WriteConcern& concern, const OpTime& optime) const {
  const std::lock_guard lock(node_mutex_);
  return queue_.IsSatisfied(concern, optime, node_->progress(), node_->commit_point().optime);
}

WriteConcernQueue::WaiterId ElectionDriver::WaitForWriteConcern(const WriteConcern& concern,
                                                                const OpTime& optime,
                                                                std::function<void(Status)> done) {
  {
    const std::lock_guard lock(node_mutex_);
    const bool leading = node_->is_leader() && node_->term() == optime.term;
    if (leading && !queue_.IsSatisfied(concern, optime, node_->progress(),
                                       node_->commit_point().optime)) {
      const WriteConcernQueue::WaiterId id = next_waiter_++;
      queue_.Add(id, concern, optime);
      waiting_.emplace(id, Waiting{std::move(done)});
      return id;
    }
    if (!leading) {
      if (!(optime <= node_->commit_point().optime)) {
        // Answered below, outside the lock.
        const Status gone =
            Error(ErrorCode::kPrimarySteppedDown, "Primary stepped down while waiting for replication");
        done(gone);
        return 0;
      }
    }
  }
  done(OkStatus());
  return 0;
}

void ElectionDriver::CancelWait(WriteConcernQueue::WaiterId id) {
  const std::lock_guard lock(node_mutex_);
  queue_.Remove(id);
  waiting_.erase(id);
}

void ElectionDriver::ReleaseSatisfied() {
  std::vector<std::function<void(Status)>> ready;
  {
    const std::lock_guard lock(node_mutex_);
    if (waiting_.empty()) {
      return;
    }
    std::vector<WriteConcernQueue::WaiterId> ids;
    queue_.TakeSatisfied(node_->progress(), node_->commit_point().optime, &ids);
    for (const WriteConcernQueue::WaiterId id : ids) {
      const auto it = waiting_.find(id);
      if (it != waiting_.end()) {
        ready.push_back(std::move(it->second.done));
        waiting_.erase(it);
      }
    }
  }
  for (auto& done : ready) {
    done(OkStatus());
  }
}

void ElectionDriver::FailWaiters() {
  std::vector<std::function<void(Status)>> lost;
  {
    const std::lock_guard lock(node_mutex_);
    std::vector<WriteConcernQueue::WaiterId> ids;
    queue_.TakeAll(&ids);
    for (auto& [id, waiting] : waiting_) {
      lost.push_back(std::move(waiting.done));
    }
    waiting_.clear();
  }
  for (auto& done : lost) {
    done(Error(ErrorCode::kPrimarySteppedDown, "Primary stepped down while waiting for replication"));
  }
}

}  // namespace septet::repl
