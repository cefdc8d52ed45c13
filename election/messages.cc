// SPDX-License-Identifier: Apache-2.0
#include "election/messages.h"

#include <array>

#include "base/strings.h"
#include "bson/builder.h"

namespace septet::election {
namespace {

using bson::DocBuilder;
using bson::DocView;
using bson::Timestamp;
using bson::Type;
using bson::ValueView;

int64_t IntOr(ValueView v, int64_t otherwise) {
  switch (v.type()) {
    case Type::kInt32:
      return v.AsInt32();
    case Type::kInt64:
      return v.AsInt64();
    case Type::kDouble:
      return static_cast<int64_t>(v.AsDouble());
    default:
      return otherwise;
  }
}

int SmallIntOr(ValueView v, int otherwise) { return static_cast<int>(IntOr(v, otherwise)); }

std::string StringOr(ValueView v) { return v.is_string() ? std::string(v.AsString()) : ""; }

int64_t DateOr0(ValueView v) { return v.type() == Type::kDate ? v.AsDateMillis() : 0; }

void AppendPosition(DocBuilder* b, std::string_view optime_name, std::string_view wall_name,
                    const OpTimeAndWall& p) {
  repl::AppendOpTime(b, optime_name, p.optime);
  b->AppendDate(wall_name, p.wall_millis);
}

OpTimeAndWall ReadPosition(DocView doc, std::string_view optime_name, std::string_view wall_name) {
  return {repl::ParseOpTime(doc[optime_name]), DateOr0(doc[wall_name])};
}

void AppendConfigVersion(DocBuilder* b, const ConfigVersion& v) {
  b->Append("configVersion", v.version);
  if (v.term != repl::kUninitializedTerm) {
    b->Append("configTerm", v.term);
  }
}

ConfigVersion ReadConfigVersion(DocView doc) {
  return {IntOr(doc["configVersion"], -2), IntOr(doc["configTerm"], repl::kUninitializedTerm)};
}

std::optional<bson::ObjectId> ReadId(ValueView v) {
  return v.type() == Type::kObjectId ? std::make_optional(v.AsObjectId()) : std::nullopt;
}

constexpr std::array<std::string_view, 7> kReasonNames = {
    "electionTimeout", "connectionRefused", "priorityTakeover", "catchupTakeover",
    "stepUpRequest",   "stepUpRequestSkipDryRun", "singleNodePromptElection"};

}  // namespace

std::string_view ElectionReasonName(ElectionReason reason) {
  return kReasonNames[static_cast<size_t>(reason)];
}

std::string HeartbeatRequest::ToBson() const {
  DocBuilder b;
  b.Append("replSetHeartbeat", set_name);
  AppendConfigVersion(&b, config);
  b.Append("hbv", 1);
  b.Append("from", from);
  b.Append("fromId", from_id);
  b.Append("term", term);
  b.Append("primaryId", primary_id);
  if (check_empty) {
    b.Append("checkEmpty", true);
  }
  return b.Finish();
}

StatusOr<HeartbeatRequest> HeartbeatRequest::FromBson(DocView doc) {
  HeartbeatRequest r;
  if (!doc["replSetHeartbeat"].is_string()) {
    return Error(ErrorCode::kFailedToParse, "replSetHeartbeat must be the name of a replica set");
  }
  r.set_name = doc["replSetHeartbeat"].AsString();
  r.config = ReadConfigVersion(doc);
  r.from = StringOr(doc["from"]);
  r.from_id = SmallIntOr(doc["fromId"], -1);
  r.term = IntOr(doc["term"], repl::kUninitializedTerm);
  r.primary_id = SmallIntOr(doc["primaryId"], -1);
  r.check_empty = doc["checkEmpty"].Truthy();
  return r;
}

std::string HeartbeatReply::ToBson() const {
  DocBuilder b;
  b.Append("set", set_name);
  b.Append("state", static_cast<int>(state));
  b.Append("v", config.version);
  if (config.term != repl::kUninitializedTerm) {
    b.Append("configTerm", config.term);
  }
  b.Append("term", term);
  if (election_time) {
    b.AppendDate("electionTime", static_cast<int64_t>(election_time->AsU64()));
  }
  AppendPosition(&b, "opTime", "wallTime", written);
  AppendPosition(&b, "durableOpTime", "durableWallTime", durable);
  AppendPosition(&b, "writtenOpTime", "writtenWallTime", written);
  if (!syncing_to.empty()) {
    b.Append("syncingTo", syncing_to);
  }
  b.Append("primaryId", primary_id);
  b.Append("electable", electable);
  if (has_data) {
    b.Append("hasData", true);
  }
  if (!config_document.empty()) {
    b.Append("config", DocView(config_document));
  }
  {
    auto meta = b.Object("$replData");
    b.Append("term", term);
    AppendPosition(&b, "lastOpCommitted", "lastCommittedWall", commit_point);
    AppendConfigVersion(&b, config);
    if (replica_set_id) {
      b.Append("replicaSetId", *replica_set_id);
    }
  }
  return b.Finish();
}

StatusOr<HeartbeatReply> HeartbeatReply::FromBson(DocView doc) {
  HeartbeatReply r;
  r.set_name = StringOr(doc["set"]);
  const std::optional<MemberState> state = MemberStateFromNumber(IntOr(doc["state"], -1));
  if (!state) {
    return Error(ErrorCode::kBadValue, "Value for \"state\" in response to replSetHeartbeat is out of range");
  }
  r.state = *state;
  r.config = {IntOr(doc["v"], -2), IntOr(doc["configTerm"], repl::kUninitializedTerm)};
  r.term = IntOr(doc["term"], repl::kUninitializedTerm);
  if (doc["electionTime"].type() == Type::kDate) {
    r.election_time =
        Timestamp::FromU64(static_cast<uint64_t>(doc["electionTime"].AsDateMillis()));
  }
  r.written = doc.Has("writtenOpTime") ? ReadPosition(doc, "writtenOpTime", "writtenWallTime")
                                       : ReadPosition(doc, "opTime", "wallTime");
  r.durable = ReadPosition(doc, "durableOpTime", "durableWallTime");
  r.syncing_to = StringOr(doc["syncingTo"]);
  r.primary_id = SmallIntOr(doc["primaryId"], -1);
  r.electable = doc["electable"].Truthy();
  r.has_data = doc["hasData"].Truthy();
  if (doc["config"].is_object()) {
    r.config_document = doc["config"].AsDoc().ToBytes();
  }
  if (doc["$replData"].is_object()) {
    const DocView meta = doc["$replData"].AsDoc();
    r.commit_point = ReadPosition(meta, "lastOpCommitted", "lastCommittedWall");
    r.replica_set_id = ReadId(meta["replicaSetId"]);
  }
  return r;
}

std::string VoteRequest::ToBson() const {
  DocBuilder b;
  b.Append("replSetRequestVotes", 1);
  b.Append("setName", set_name);
  b.Append("dryRun", dry_run);
  b.Append("term", term);
  b.Append("candidateIndex", candidate_index);
  AppendConfigVersion(&b, config);
  repl::AppendOpTime(&b, "lastWrittenOpTime", last_written);
  repl::AppendOpTime(&b, "lastAppliedOpTime", last_written);
  if (has_reason) {
    b.Append("electionReason", ElectionReasonName(reason));
  }
  return b.Finish();
}

StatusOr<VoteRequest> VoteRequest::FromBson(DocView doc) {
  VoteRequest r;
  r.set_name = StringOr(doc["setName"]);
  r.dry_run = doc["dryRun"].Truthy();
  r.term = IntOr(doc["term"], repl::kUninitializedTerm);
  r.candidate_index = SmallIntOr(doc["candidateIndex"], -1);
  if (r.set_name.empty() || r.term < 0 || r.candidate_index < 0) {
    return Error(ErrorCode::kFailedToParse,
                 "replSetRequestVotes needs setName, term and candidateIndex");
  }
  r.config = ReadConfigVersion(doc);
  r.last_written = repl::ParseOpTime(
      doc.Has("lastWrittenOpTime") ? doc["lastWrittenOpTime"] : doc["lastAppliedOpTime"]);
  const std::string reason = StringOr(doc["electionReason"]);
  for (size_t i = 0; i < kReasonNames.size(); ++i) {
    if (reason == kReasonNames[i]) {
      r.reason = static_cast<ElectionReason>(i);
      r.has_reason = true;
    }
  }
  return r;
}

std::string VoteReply::ToBson() const {
  DocBuilder b;
  b.Append("term", term);
  b.Append("voteGranted", granted);
  b.Append("reason", reason);
  return b.Finish();
}

StatusOr<VoteReply> VoteReply::FromBson(DocView doc) {
  VoteReply r;
  if (!doc.Has("term") || doc["voteGranted"].type() != Type::kBool) {
    return Error(ErrorCode::kFailedToParse, "a reply to replSetRequestVotes needs term and voteGranted");
  }
  r.term = IntOr(doc["term"], repl::kUninitializedTerm);
  r.granted = doc["voteGranted"].AsBool();
  r.reason = StringOr(doc["reason"]);
  return r;
}

std::string UpdatePositionRequest::ToBson() const {
  DocBuilder b;
  b.Append("replSetUpdatePosition", 1);
  {
    auto array = b.Array("optimes");
    for (const Entry& e : entries) {
      auto scope = b.AddObject();
      AppendPosition(&b, "durableOpTime", "durableWallTime", e.durable);
      AppendPosition(&b, "appliedOpTime", "appliedWallTime", e.written);
      AppendPosition(&b, "writtenOpTime", "writtenWallTime", e.written);
      b.Append("memberId", e.member_id);
      b.Append("cfgver", e.config_version);
      b.Append("memberTerm", e.member_term);
    }
  }
  b.OpenObject("$replData");
  b.Append("term", term);
  b.Close();
  return b.Finish();
}

StatusOr<UpdatePositionRequest> UpdatePositionRequest::FromBson(DocView doc) {
  UpdatePositionRequest r;
  if (!doc["optimes"].is_array()) {
    return Error(ErrorCode::kFailedToParse, "replSetUpdatePosition needs the array optimes");
  }
  for (const bson::ElementView& element : doc["optimes"].AsArray()) {
    if (!element.value().is_object()) {
      return Error(ErrorCode::kFailedToParse, "optimes must hold documents");
    }
    const DocView d = element.value().AsDoc();
    Entry e;
    e.durable = ReadPosition(d, "durableOpTime", "durableWallTime");
    e.written = d.Has("writtenOpTime") ? ReadPosition(d, "writtenOpTime", "writtenWallTime")
                                       : ReadPosition(d, "appliedOpTime", "appliedWallTime");
    e.member_id = SmallIntOr(d["memberId"], -1);
    e.config_version = IntOr(d["cfgver"], -2);
    e.member_term = IntOr(d["memberTerm"], repl::kUninitializedTerm);
    r.entries.push_back(e);
  }
  if (doc["$replData"].is_object()) {
    r.term = IntOr(doc["$replData"].AsDoc()["term"], repl::kUninitializedTerm);
  }
  return r;
}

void FetchMetadata::AppendTo(DocBuilder* b) const {
  b->OpenObject("$replData");
  b->Append("term", term);
  AppendPosition(b, "lastOpCommitted", "lastCommittedWall", commit_point);
  repl::AppendOpTime(b, "lastOpVisible", last_written);
  AppendConfigVersion(b, config);
  if (replica_set_id) {
    b->Append("replicaSetId", *replica_set_id);
  }
  b->Append("isPrimary", is_primary);
  b->Close();
  b->OpenObject("$oplogQueryData");
  AppendPosition(b, "lastOpCommitted", "lastCommittedWall", commit_point);
  repl::AppendOpTime(b, "lastOpApplied", last_written);
  repl::AppendOpTime(b, "lastOpWritten", last_written);
  b->Append("rbid", rbid);
  b->Append("primaryIndex", primary_index);
  b->Append("syncSourceHost", sync_source_host);
  b->Close();
}

FetchMetadata FetchMetadata::FromBson(DocView reply) {
  FetchMetadata m;
  if (reply["$replData"].is_object()) {
    const DocView d = reply["$replData"].AsDoc();
    m.term = IntOr(d["term"], repl::kUninitializedTerm);
    m.commit_point = ReadPosition(d, "lastOpCommitted", "lastCommittedWall");
    m.config = ReadConfigVersion(d);
    m.replica_set_id = ReadId(d["replicaSetId"]);
    m.is_primary = d["isPrimary"].Truthy();
  }
  if (reply["$oplogQueryData"].is_object()) {
    const DocView d = reply["$oplogQueryData"].AsDoc();
    m.commit_point = ReadPosition(d, "lastOpCommitted", "lastCommittedWall");
    m.last_written = repl::ParseOpTime(d.Has("lastOpWritten") ? d["lastOpWritten"] : d["lastOpApplied"]);
    m.rbid = SmallIntOr(d["rbid"], 0);
    m.primary_index = SmallIntOr(d["primaryIndex"], -1);
    m.sync_source_host = StringOr(d["syncSourceHost"]);
  }
  return m;
}

}  // namespace septet::election
