// SPDX-License-Identifier: Apache-2.0
// Single rules of the Node, fed by hand. Whole scenarios are in tests/sim/election.
#include "election/node.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace septet::election {
namespace {

OpTimeAndWall P(uint32_t inc, int64_t term) { return {{{100, inc}, term}, inc}; }

// One Node as member 0 of a set h0:1, h1:1, ...; peers answer only when the test says so.
class Harness {
 public:
  explicit Harness(int members, NodeOptions options = {}, StoredState stored = {}) {
    ReplSetConfig c;
    c.set_name = "rs0";
    c.term = 1;
    for (int i = 0; i < members; ++i) {
      MemberConfig m;
      m.id = i;
      m.host = Host(i);
      c.members.push_back(m);
    }
    Init(c, std::move(options), std::move(stored));
  }
  explicit Harness(const ReplSetConfig& c) { Init(c, {}, {}); }

  static std::string Host(int i) { return "h" + std::to_string(i) + ":1"; }

  Node& node() { return *node_; }
  const Actions& Feed(const Event& e) {
    actions_ = node_->Step(e, now_);
    Note();
    return actions_;
  }
  // Lets time pass, with timers.
  void Pass(Millis d) {
    const TimePoint until = now_ + d;
    while (wake_ && *wake_ <= until) {
      now_ = std::max(now_, *wake_);
      wake_.reset();
      Feed(TimerFired{});
    }
    now_ = until;
  }
  void BecomeSecondary(const OpTimeAndWall& at) {
    Feed(LocalProgress{at, at});
    Feed(FollowerModeChanged{MemberState::kSecondary});
  }
  // Answers every heartbeat that is out.
  void AnswerHeartbeats(MemberState state, const OpTimeAndWall& at, int64_t term, int only = -1) {
    const auto out = std::exchange(heartbeats_, {});
    for (const SendHeartbeat& h : out) {
      if (only >= 0 && h.host != Host(only)) {
        heartbeats_.push_back(h);
        continue;
      }
      HeartbeatReply r;
      r.set_name = "rs0";
      r.state = state;
      r.config = node_->config()->config_version();
      r.term = term;
      r.written = r.durable = at;
      Feed(HeartbeatReplyReceived{h.sequence, OkStatus(), r});
    }
  }
  void AnswerVotes(bool granted, int64_t term) {
    for (const SendVoteRequest& v : std::exchange(votes_, {})) {
      Feed(VoteReplyReceived{v.round, v.member_id, OkStatus(), VoteReply{term, granted, ""}});
    }
  }
  void StoreVote() {
    ASSERT_TRUE(persist_vote_);
    const uint64_t token = persist_vote_->token;
    persist_vote_.reset();
    Feed(VoteDurable{token, OkStatus()});
  }
  void StoreConfig() {
    ASSERT_TRUE(persist_config_);
    const uint64_t token = persist_config_->token;
    persist_config_.reset();
    Feed(ConfigDurable{token, OkStatus()});
  }
  // To a writable primary of the next term, caught up at once.
  void Win(const OpTimeAndWall& at) {
    BecomeSecondary(at);
    AnswerHeartbeats(MemberState::kSecondary, at, node_->term());
    const ReplyId id = 900;
    Feed(StepUpRequested{id, true});
    StoreVote();
    AnswerVotes(true, node_->term());
    AnswerHeartbeats(MemberState::kSecondary, at, node_->term());
    Pass(Millis(300));
    Feed(DrainComplete{node_->term()});
    StoreConfig();
    const OpTimeAndWall first = P(at.optime.ts.inc + 1, node_->term());
    Feed(LocalProgress{first, first});
    Feed(BecameWritable{node_->term(), first, OkStatus()});
    ASSERT_TRUE(node_->is_writable());
  }
  template <typename A>
  const A* Find() const {
    for (const Action& a : actions_) {
      if (const A* found = std::get_if<A>(&a)) {
        return found;
      }
    }
    return nullptr;
  }

  VoteRequest AskedFor(int candidate, int64_t term, const OpTimeAndWall& at) const {
    VoteRequest q;
    q.set_name = "rs0";
    q.term = term;
    q.candidate_index = candidate;
    q.config = node_->config()->config_version();
    q.last_written = at.optime;
    return q;
  }
  TimePoint now() const { return now_; }
  std::vector<SendVoteRequest>& votes() { return votes_; }
  std::optional<PersistVote>& persist_vote() { return persist_vote_; }
  std::optional<PersistConfig>& persist_config() { return persist_config_; }
  std::vector<SendHeartbeat>& heartbeats() { return heartbeats_; }

 private:
  void Init(const ReplSetConfig& c, NodeOptions options, StoredState stored) {
    options.set_name = "rs0";
    options.self_hosts = {Host(0)};
    stored.config = c;
    node_ = std::make_unique<Node>(options, stored, 1);
    actions_ = node_->Start(now_);
    Note();
  }
  void Note() {
    for (const Action& a : actions_) {
      if (const auto* h = std::get_if<SendHeartbeat>(&a)) {
        heartbeats_.push_back(*h);
      } else if (const auto* v = std::get_if<SendVoteRequest>(&a)) {
        votes_.push_back(*v);
      } else if (const auto* p = std::get_if<PersistVote>(&a)) {
        persist_vote_ = *p;
      } else if (const auto* config = std::get_if<PersistConfig>(&a)) {
        persist_config_ = *config;
      } else if (const auto* w = std::get_if<WakeAt>(&a)) {
        wake_ = w->when;
      }
    }
  }

  TimePoint now_{Millis(1'000'000)};
  std::unique_ptr<Node> node_;
  Actions actions_;
  std::optional<TimePoint> wake_;
  std::vector<SendHeartbeat> heartbeats_;
  std::vector<SendVoteRequest> votes_;
  std::optional<PersistVote> persist_vote_;
  std::optional<PersistConfig> persist_config_;
};

TEST(Node, AVoteLeavesOnlyWhenDurable) {
  Harness h(3);
  h.BecomeSecondary(P(5, 1));
  h.Feed(VoteRequestReceived{7, h.AskedFor(1, 2, P(5, 1))});
  EXPECT_EQ(h.Find<SendVoteReply>(), nullptr);
  ASSERT_TRUE(h.persist_vote());
  EXPECT_EQ(h.persist_vote()->vote, (LastVote{2, 1}));
  // The same request again joins; another candidate is refused at once.
  h.Feed(VoteRequestReceived{8, h.AskedFor(1, 2, P(5, 1))});
  EXPECT_EQ(h.Find<SendVoteReply>(), nullptr);
  h.Feed(VoteRequestReceived{9, h.AskedFor(2, 2, P(5, 1))});
  ASSERT_NE(h.Find<SendVoteReply>(), nullptr);
  EXPECT_FALSE(h.Find<SendVoteReply>()->reply.granted);
  h.StoreVote();
  ASSERT_NE(h.Find<SendVoteReply>(), nullptr);
  EXPECT_TRUE(h.Find<SendVoteReply>()->reply.granted);
}

TEST(Node, AVoteThatCannotBeStoredIsAnError) {
  Harness h(3);
  h.BecomeSecondary(P(5, 1));
  h.Feed(VoteRequestReceived{7, h.AskedFor(1, 2, P(5, 1))});
  h.Feed(VoteDurable{h.persist_vote()->token, Error(ErrorCode::kOutOfDiskSpace, "full")});
  EXPECT_FALSE(h.Find<SendVoteReply>()->status.ok());
  // And it may still have reached the disk: nobody else gets the vote of that term.
  h.Feed(VoteRequestReceived{8, h.AskedFor(2, 2, P(5, 1))});
  EXPECT_FALSE(h.Find<SendVoteReply>()->reply.granted);
}

TEST(Node, AStoredVoteIsRememberedAfterARestart) {
  StoredState stored;
  stored.last_vote = {4, 1};
  stored.newest = P(5, 2);
  Harness h(3, {}, stored);
  EXPECT_EQ(h.node().term(), 4);
  h.Feed(VoteRequestReceived{1, h.AskedFor(2, 4, P(9, 3))});
  EXPECT_FALSE(h.Find<SendVoteReply>()->reply.granted);
  h.Feed(VoteRequestReceived{1, h.AskedFor(1, 4, P(9, 3))});  // an index alone proves nothing
  EXPECT_FALSE(h.Find<SendVoteReply>()->reply.granted);
  h.Feed(VoteRequestReceived{1, h.AskedFor(2, 5, P(9, 3))});
  EXPECT_NE(h.Find<PersistVote>(), nullptr);
}

TEST(Node, WhyAVoteIsRefused) {
  Harness h(3);
  h.BecomeSecondary(P(5, 3));
  const auto reason = [&](const VoteRequest& q) {
    h.Feed(VoteRequestReceived{7, q});
    const SendVoteReply* r = h.Find<SendVoteReply>();
    return r == nullptr ? std::string("pending") : r->reply.reason;
  };
  VoteRequest q = h.AskedFor(1, 3, P(5, 3));
  q.dry_run = true;
  EXPECT_EQ(reason(q), "");
  q.config.version = 0;
  EXPECT_NE(reason(q).find("older"), std::string::npos);
  q = h.AskedFor(1, 2, P(5, 3));
  EXPECT_NE(reason(q).find("lower than mine"), std::string::npos);
  q = h.AskedFor(1, 3, P(5, 3));
  q.set_name = "other";
  EXPECT_NE(reason(q).find("set name"), std::string::npos);
  q = h.AskedFor(1, 3, P(4, 3));
  EXPECT_NE(reason(q).find("staler"), std::string::npos);
  q = h.AskedFor(1, 3, P(900, 2));  // a later timestamp of an older term
  EXPECT_NE(reason(q).find("staler"), std::string::npos);
  q = h.AskedFor(1, 4, P(5, 3));
  q.config.version = 9;  // newer than the voter's: allowed
  EXPECT_EQ(reason(q), "pending");
}

TEST(Node, AMemberWithoutDataVotesOnlyInANewSet) {
  Harness h(3);  // STARTUP2, no entry
  h.Feed(VoteRequestReceived{1, h.AskedFor(1, 2, P(1, 0))});
  EXPECT_NE(h.Find<PersistVote>(), nullptr);
  h.Feed(VoteRequestReceived{2, h.AskedFor(1, 3, P(9, 2))});
  ASSERT_NE(h.Find<SendVoteReply>(), nullptr);
  EXPECT_FALSE(h.Find<SendVoteReply>()->reply.granted);
}

TEST(Node, AnArbiterProtectsAHealthyPrimary) {
  ReplSetConfig c = *Harness(3).node().config();
  c.members[0].arbiter_only = true;
  c.members[0].priority = 0;
  c.members[2].priority = 5;
  Harness h(c);
  h.AnswerHeartbeats(MemberState::kPrimary, P(5, 1), 1, /*only=*/1);
  h.Feed(VoteRequestReceived{1, h.AskedFor(2, 1, P(5, 1))});
  EXPECT_NE(h.Find<PersistVote>(), nullptr);  // of a higher priority than the primary
  c.members[2].priority = 1;
  Harness k(c);
  k.AnswerHeartbeats(MemberState::kPrimary, P(5, 1), 1, /*only=*/1);
  k.Feed(VoteRequestReceived{1, k.AskedFor(2, 1, P(5, 1))});
  ASSERT_NE(k.Find<SendVoteReply>(), nullptr);
  EXPECT_FALSE(k.Find<SendVoteReply>()->reply.granted);
}

TEST(Node, ADryRunChangesNothing) {
  Harness h(3);
  h.BecomeSecondary(P(5, 1));
  h.AnswerHeartbeats(MemberState::kSecondary, P(5, 1), 1);
  h.Feed(StepUpRequested{1, false});
  ASSERT_EQ(h.votes().size(), 2u);
  EXPECT_TRUE(h.votes()[0].request.dry_run);
  EXPECT_EQ(h.votes()[0].request.term, 1);
  EXPECT_EQ(h.node().term(), 1);
  h.AnswerVotes(false, 1);
  EXPECT_FALSE(h.persist_vote());
  EXPECT_EQ(h.node().term(), 1);
}

TEST(Node, ASplitVoteIsTriedAgainSoon) {
  Harness h(4);
  h.BecomeSecondary(P(5, 1));
  h.AnswerHeartbeats(MemberState::kSecondary, P(5, 1), 1);
  h.Feed(StepUpRequested{1, true});
  h.StoreVote();
  h.AnswerVotes(false, 2);
  h.Pass(Millis(1'000));  // a whole election timeout would be 10 s
  h.AnswerHeartbeats(MemberState::kSecondary, P(5, 1), 2);
  h.Pass(Millis(1'500));
  ASSERT_FALSE(h.votes().empty());
  EXPECT_TRUE(h.votes()[0].request.dry_run);
  EXPECT_EQ(h.votes()[0].request.term, 2);
}

TEST(Node, AHigherTermEndsALeadershipBeforeItIsAdopted) {
  Harness h(3);
  h.Win(P(5, 1));
  EXPECT_EQ(h.node().term(), 2);
  // StepDown stands before anything that leaves the process.
  const Actions& actions = h.Feed(VoteRequestReceived{1, h.AskedFor(1, 7, P(4, 1))});
  size_t step_down = actions.size();
  size_t reply = actions.size();
  for (size_t i = 0; i < actions.size(); ++i) {
    step_down = std::holds_alternative<StepDown>(actions[i]) ? i : step_down;
    reply = std::holds_alternative<SendVoteReply>(actions[i]) ? i : reply;
  }
  EXPECT_LT(step_down, reply);
  EXPECT_LT(reply, actions.size());
  EXPECT_EQ(h.node().term(), 7);
  EXPECT_FALSE(h.node().is_leader());
}

TEST(Node, AMemberThatVotedLaterDoesNotHelpAStalePrimary) {
  Harness h(3);
  h.Win(P(5, 1));
  UpdatePositionRequest q;
  q.term = 2;
  q.entries.push_back({1, P(6, 2), P(6, 2), h.node().config()->version, /*member_term=*/3});
  h.Feed(UpdatePositionReceived{1, q});
  EXPECT_FALSE(h.node().is_leader());
  EXPECT_TRUE(h.node().commit_point().optime.IsNull());
}

TEST(Node, APositionReportCommits) {
  Harness h(3);
  h.Win(P(5, 1));
  UpdatePositionRequest q;
  q.term = 2;
  q.entries.push_back({1, P(6, 2), P(5, 1), h.node().config()->version, 2});
  h.Feed(UpdatePositionReceived{1, q});
  EXPECT_TRUE(h.node().commit_point().optime.IsNull());  // written, not durable
  q.entries[0].durable = P(6, 2);
  h.Feed(UpdatePositionReceived{2, q});
  EXPECT_EQ(h.node().commit_point(), P(6, 2));
  EXPECT_NE(h.Find<CommitPointMoved>(), nullptr);
  q.entries[0].config_version = 99;
  h.Feed(UpdatePositionReceived{3, q});
  EXPECT_EQ(CodeOf(h.Find<SendUpdatePositionReply>()->status), ErrorCode::kInvalidReplicaSetConfig);
}

TEST(Node, WithoutAMajorityThePrimaryStepsDown) {
  Harness h(3);
  h.Win(P(5, 1));
  h.Pass(Millis(9'000));
  EXPECT_TRUE(h.node().is_leader());
  // A forwarded sign of life is enough.
  UpdatePositionRequest q;
  q.term = 2;
  q.entries.push_back({1, P(5, 1), P(5, 1), h.node().config()->version, 2});
  h.Feed(UpdatePositionReceived{1, q});
  h.Pass(Millis(9'000));
  EXPECT_TRUE(h.node().is_leader());
  h.Pass(Millis(2'000));
  EXPECT_FALSE(h.node().is_leader());
}

TEST(Node, VotersThatHearThePrimaryRefuseToReplaceIt) {
  Harness h(3);
  h.BecomeSecondary(P(5, 1));
  h.AnswerHeartbeats(MemberState::kPrimary, P(5, 1), 1, /*only=*/1);
  VoteRequest q = h.AskedFor(2, 1, P(5, 1));
  q.dry_run = true;
  q.has_reason = true;
  const auto granted = [&](ElectionReason reason) {
    q.reason = reason;
    h.Feed(VoteRequestReceived{1, q});
    return h.Find<SendVoteReply>()->reply.granted;
  };
  EXPECT_FALSE(granted(ElectionReason::kConnectionRefused));
  EXPECT_FALSE(granted(ElectionReason::kElectionTimeout));
  EXPECT_TRUE(granted(ElectionReason::kPriorityTakeover));
  h.Feed(ConnectionRefused{Harness::Host(1)});
  EXPECT_TRUE(granted(ElectionReason::kConnectionRefused));
}

TEST(Node, ARefusedConnectionStartsADryRunWithin50Millis) {
  Harness h(3);
  h.BecomeSecondary(P(5, 1));
  h.AnswerHeartbeats(MemberState::kPrimary, P(5, 1), 1, /*only=*/1);
  h.AnswerHeartbeats(MemberState::kSecondary, P(5, 1), 1, /*only=*/2);
  h.Feed(ConnectionRefused{Harness::Host(1)});
  h.Pass(Millis(50));
  ASSERT_EQ(h.votes().size(), 2u);
  EXPECT_EQ(h.votes()[0].request.reason, ElectionReason::kConnectionRefused);
  EXPECT_TRUE(h.votes()[0].request.dry_run);
  h.AnswerVotes(false, 1);  // the voter still hears it: ask again a little later
  h.Pass(Millis(200));
  EXPECT_EQ(h.votes().size(), 2u);
}

TEST(Node, ARefusedSecondaryIsNoReasonForAnElection) {
  Harness h(3);
  h.BecomeSecondary(P(5, 1));
  h.AnswerHeartbeats(MemberState::kPrimary, P(5, 1), 1, /*only=*/1);
  h.AnswerHeartbeats(MemberState::kSecondary, P(5, 1), 1, /*only=*/2);
  h.Feed(ConnectionRefused{Harness::Host(2)});
  h.Pass(Millis(100));
  EXPECT_TRUE(h.votes().empty());
  EXPECT_FALSE(h.node().MakeSnapshot().members[2].healthy);
}

TEST(Node, AnotherSetOfTheSameNameDoesNotCount) {
  ReplSetConfig c = *Harness(3).node().config();
  c.settings.replica_set_id = bson::ObjectId{{1}};
  Harness h(c);
  h.BecomeSecondary(P(5, 1));
  const SendHeartbeat sent = h.heartbeats()[0];
  HeartbeatReply r;
  r.set_name = "rs0";
  r.state = MemberState::kPrimary;
  r.term = 50;
  r.written = P(90, 50);
  r.replica_set_id = bson::ObjectId{{2}};
  h.Feed(HeartbeatReplyReceived{sent.sequence, OkStatus(), r});
  EXPECT_EQ(h.node().term(), 1);
  EXPECT_EQ(h.node().MakeSnapshot().members[1].state, MemberState::kDown);
}

TEST(Node, CatchUpTakeover) {
  ReplSetConfig c = *Harness(3).node().config();
  c.settings.catch_up_takeover_delay_millis = 1'000;
  Harness h(c);
  h.BecomeSecondary(P(9, 1));
  // The primary of term 2 has less and cannot get it.
  h.AnswerHeartbeats(MemberState::kSecondary, P(5, 1), 2, /*only=*/2);
  h.AnswerHeartbeats(MemberState::kPrimary, P(5, 1), 2, /*only=*/1);
  for (int i = 0; i < 5 && h.votes().empty(); ++i) {
    h.Pass(Millis(300));
    h.AnswerHeartbeats(MemberState::kSecondary, P(5, 1), 2, /*only=*/2);
    h.AnswerHeartbeats(MemberState::kPrimary, P(5, 1), 2, /*only=*/1);
  }
  ASSERT_FALSE(h.votes().empty());
  EXPECT_EQ(h.votes()[0].request.reason, ElectionReason::kCatchUpTakeover);
  // The primary itself must agree.
  const uint64_t round = h.votes()[0].round;
  h.Feed(VoteReplyReceived{round, 2, OkStatus(), VoteReply{2, true, ""}});
  EXPECT_FALSE(h.persist_vote());
  h.Feed(VoteReplyReceived{round, 1, OkStatus(), VoteReply{2, true, ""}});
  EXPECT_TRUE(h.persist_vote());
}

TEST(Node, NoCatchUpTakeoverOncePrimaryWrites) {
  ReplSetConfig c = *Harness(3).node().config();
  c.settings.catch_up_takeover_delay_millis = 1'000;
  Harness h(c);
  h.BecomeSecondary(P(9, 1));
  h.AnswerHeartbeats(MemberState::kSecondary, P(5, 1), 2, /*only=*/2);
  h.AnswerHeartbeats(MemberState::kPrimary, P(5, 1), 2, /*only=*/1);
  h.Pass(Millis(600));
  h.AnswerHeartbeats(MemberState::kPrimary, P(6, 2), 2, /*only=*/1);
  h.Pass(Millis(2'000));
  EXPECT_TRUE(h.votes().empty());
}

TEST(Node, ASingleMemberElectsItselfAtOnce) {
  Harness h(1);
  h.BecomeSecondary(P(5, 1));
  h.Pass(Millis(0));
  ASSERT_TRUE(h.persist_vote());
  h.StoreVote();
  EXPECT_TRUE(h.node().is_leader());
  EXPECT_NE(h.Find<StartDrain>(), nullptr);
}

TEST(Node, CommandsOfANodeWithoutAConfig) {
  NodeOptions options;
  options.set_name = "rs0";
  options.self_hosts = {"h0:1"};
  Node node(options, {}, 1);
  TimePoint now{Millis(5)};
  node.Start(now);
  EXPECT_EQ(node.state(), MemberState::kStartup);
  const auto code = [&](const Event& e) {
    return CodeOf(std::get<SendAdminReply>(node.Step(e, now)[0]).status);
  };
  EXPECT_EQ(code(StepDownRequested{1}), ErrorCode::kNotYetInitialized);
  EXPECT_EQ(code(FreezeRequested{1}), ErrorCode::kNotYetInitialized);
  EXPECT_EQ(code(ReconfigRequested{1, {}}), ErrorCode::kNotYetInitialized);
  EXPECT_EQ(code(SyncFromRequested{1, "x:1"}), ErrorCode::kNotYetInitialized);
  // S02-074: the default config of one member.
  const Actions actions = node.Step(InitiateRequested{1, std::nullopt}, now);
  const auto& persist = std::get<PersistConfig>(actions[0]);
  EXPECT_TRUE(persist.initiate);
  EXPECT_EQ(persist.config.members[0].host, "h0:1");
  EXPECT_EQ(persist.config.term, 0);
  EXPECT_TRUE(persist.config.settings.replica_set_id);
}

TEST(Node, CommandsOfAPrimary) {
  Harness h(3);
  h.Win(P(5, 1));
  const auto reply = [&](const Event& e) {
    h.Feed(e);
    const auto* r = h.Find<SendAdminReply>();
    return r == nullptr ? OkStatus() : r->status;
  };
  // The recorded answer of replSetSyncFrom and replSetInitiate on a primary.
  EXPECT_EQ(CodeOf(reply(SyncFromRequested{1, "nowhere:1"})), ErrorCode::kNotSecondary);
  EXPECT_EQ(TextOf(reply(SyncFromRequested{1, "nowhere:1"})), "primaries don't sync");
  EXPECT_EQ(CodeOf(reply(InitiateRequested{1, std::nullopt})), ErrorCode::kAlreadyInitialized);
  EXPECT_EQ(TextOf(reply(InitiateRequested{1, std::nullopt})), "already initialized");
  EXPECT_EQ(CodeOf(reply(FreezeRequested{1, Millis(5'000)})), ErrorCode::kNotSecondary);
  StepDownRequested bad{1};
  bad.period = Millis(1'000);
  EXPECT_EQ(CodeOf(reply(bad)), ErrorCode::kBadValue);
}

TEST(Node, AShutdownWaitsOnlyForAMemberThatAnswers) {
  Harness lagging(3);
  lagging.Win(P(5, 1));
  lagging.Feed(ShutdownRequested{7});
  lagging.Feed(WritesStopped{lagging.node().term()});
  EXPECT_EQ(lagging.Find<SendAdminReply>(), nullptr);  // both are up and one entry behind
  Harness alone(3);
  alone.Win(P(5, 1));
  alone.Feed(ConnectionRefused{Harness::Host(1)});
  alone.Feed(ConnectionRefused{Harness::Host(2)});
  alone.Feed(ShutdownRequested{7});
  alone.Feed(WritesStopped{alone.node().term()});
  ASSERT_NE(alone.Find<SendAdminReply>(), nullptr);
  EXPECT_TRUE(alone.Find<SendAdminReply>()->status.ok());
  EXPECT_FALSE(alone.node().is_leader());
}

TEST(Node, ReconfigWaitsForTheFormerConfigThenSpreads) {
  Harness h(3);
  h.Win(P(5, 1));
  ReplSetConfig next = *h.node().config();
  ++next.version;
  next.members[2].priority = 3;
  ReconfigRequested e{77, next};
  e.max_time = Millis(1'000);
  h.Feed(e);
  EXPECT_FALSE(h.persist_config());  // nothing committed in this term yet
  h.Pass(Millis(1'100));
  ASSERT_NE(h.Find<SendAdminReply>(), nullptr);
  EXPECT_EQ(CodeOf(h.Find<SendAdminReply>()->status), ErrorCode::kCurrentConfigNotCommittedYet);
  h.AnswerHeartbeats(MemberState::kSecondary, P(6, 2), 2);
  h.Feed(ReconfigRequested{78, next});
  h.AnswerHeartbeats(MemberState::kSecondary, P(6, 2), 2);  // the probe
  h.AnswerHeartbeats(MemberState::kSecondary, P(6, 2), 2);
  ASSERT_TRUE(h.persist_config());
  EXPECT_EQ(h.persist_config()->config.version, next.version);
  h.Feed(ReconfigRequested{79, next});
  EXPECT_EQ(CodeOf(h.Find<SendAdminReply>()->status), ErrorCode::kConfigurationInProgress);
  h.heartbeats().clear();
  h.StoreConfig();
  EXPECT_NE(h.Find<WriteReconfigNoop>(), nullptr);
  EXPECT_EQ(h.Find<SendAdminReply>(), nullptr);
  h.AnswerHeartbeats(MemberState::kSecondary, P(6, 2), 2, /*only=*/1);
  ASSERT_NE(h.Find<SendAdminReply>(), nullptr);
  EXPECT_TRUE(h.Find<SendAdminReply>()->status.ok());
}

TEST(Node, ReconfigOnASecondaryNeedsForce) {
  Harness h(3);
  h.BecomeSecondary(P(5, 1));
  ReplSetConfig next = *h.node().config();
  ++next.version;
  h.Feed(ReconfigRequested{1, next});
  EXPECT_EQ(CodeOf(h.Find<SendAdminReply>()->status), ErrorCode::kNotWritablePrimary);
  ReconfigRequested force{2, next};
  force.force = true;
  h.Feed(force);
  ASSERT_TRUE(h.persist_config());
  EXPECT_GE(h.persist_config()->config.version, next.version + 10'000);
  EXPECT_EQ(h.persist_config()->config.term, -1);
}

TEST(Node, TheSnapshotOfAWritablePrimary) {
  Harness h(3);
  h.Win(P(5, 1));
  const Snapshot s = h.node().MakeSnapshot();
  EXPECT_EQ(s.state, MemberState::kPrimary);
  EXPECT_TRUE(s.writable);
  EXPECT_FALSE(s.secondary);
  EXPECT_EQ(s.primary_host, Harness::Host(0));
  EXPECT_EQ(s.election_time, P(6, 2).optime.ts);
  ASSERT_EQ(s.members.size(), 3u);
  EXPECT_TRUE(s.members[0].self);
  EXPECT_TRUE(s.members[1].healthy);
  EXPECT_EQ(s.members[1].written, P(5, 1));
  ASSERT_TRUE(s.candidate);
  EXPECT_EQ(s.candidate->votes_needed, 2);
  EXPECT_EQ(s.counters.step_up_cmd.successful, 1);
}

TEST(Node, SameInputSameOutput) {
  const auto run = [] {
    Harness h(3);
    h.Win(P(5, 1));
    h.Pass(Millis(30'000));
    std::string trace;
    for (const SendHeartbeat& b : h.heartbeats()) {
      trace += b.host + std::to_string(b.sequence) + " ";
    }
    return trace;
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace septet::election
