// SPDX-License-Identifier: Apache-2.0
// Cases recorded from a real server, for data tests: one case a line in extended JSON,
//   {id, db: {collection: [documents]}, run: [{cmd, reply}], after: {collection: [documents]}}
// The folder stands beside the checkout; a test that does not find it skips with a line.
// Thread rule: owned by one test.
#pragma once

#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bson/builder.h"
#include "bson/compare.h"
#include "bson/ejson.h"
#include "bson/number.h"
#include "bson/path.h"
#include "bson/view.h"

#include "base/strings.h"

namespace septet::testing {

// One line; `db` is the last line's that had one if the line has none.
struct RecordedCase {
  std::string bytes;
  std::string db_bytes;
  bson::DocView doc() const { return bson::DocView(bytes); }
  std::string id() const { return std::string(doc()["id"].AsString()); }
  bson::DocView db() const { return bson::DocView(db_bytes); }
  bson::DocView run() const { return doc()["run"].AsArray(); }
};

// All lines of a file of that name, or none (and a line on standard output) if there is no such
// file.
inline std::vector<RecordedCase> LoadRecorded(std::string_view file) {
  std::vector<RecordedCase> cases;
  // A second working tree of the repository stands one folder deeper.
  std::string path = StrCat(SEPTET_SOURCE_DIR, "/../shared/recorded/", file);
  std::ifstream in(path);
  if (!in) {
    in.open(StrCat(SEPTET_SOURCE_DIR, "/../../shared/recorded/", file));
  }
  if (!in) {
    std::printf("skipped: no %s\n", path.c_str());
    return cases;
  }
  std::string line;
  std::string db = bson::MakeDoc();
  while (std::getline(in, line)) {
    auto doc = bson::FromJson(line);
    if (!doc.ok()) {
      std::printf("unreadable: %s: %.80s\n", std::string(TextOf(doc.status())).c_str(),
                  line.c_str());
      continue;
    }
    RecordedCase c{*std::move(doc), {}};
    if (c.doc()["db"].is_object()) {
      db = c.doc()["db"].AsDoc().ToBytes();
    }
    c.db_bytes = db;
    cases.push_back(std::move(c));
  }
  return cases;
}

// The recorder's JSON puts names that are integers first, in numeric order: the same for `doc`.
inline void NormalizeInto(bson::DocView doc, bool array, bson::DocBuilder* out) {
  std::map<int64_t, bson::ElementView> numbered;
  std::vector<bson::ElementView> named;
  for (const bson::ElementView e : doc) {
    const int64_t index = array ? -1 : bson::ArrayIndex(e.name());
    if (index >= 0) {
      numbered.emplace(index, e);
    } else {
      named.push_back(e);
    }
  }
  const auto append = [out](bson::ElementView e) {
    if (e.value().is_object()) {
      const auto scope = out->Object(e.name());
      NormalizeInto(e.value().AsDoc(), false, out);
    } else if (e.value().is_array()) {
      const auto scope = out->Array(e.name());
      NormalizeInto(e.value().AsArray(), true, out);
    } else {
      out->Append(e);
    }
  };
  for (const auto& [index, e] : numbered) {
    append(e);
  }
  for (const bson::ElementView e : named) {
    append(e);
  }
}

inline std::string Normalized(bson::DocView doc) {
  bson::DocBuilder b;
  NormalizeInto(doc, false, &b);
  return b.Finish();
}

// Code and text of an error reply, or of ok.
struct Answer {
  int64_t code = 0;
  std::string text;
  bool operator==(const Answer& other) const = default;
};
inline Answer AnswerOf(bson::DocView reply) {
  if (!reply.Has("errmsg")) {
    return {};
  }
  std::string text(reply["errmsg"].AsString());
  constexpr std::string_view kPrefix = "Executor error during find command :: caused by :: ";
  if (text.starts_with(kPrefix)) {
    text.erase(0, kPrefix.size());
  }
  return {bson::ExactInt64(reply["code"]).value_or(-1), std::move(text)};
}
inline Answer AnswerOf(const Status& status) {
  if (status.ok()) {
    return {};
  }
  return {static_cast<int64_t>(CodeOf(status)), std::string(TextOf(status))};
}
inline std::string ToText(const Answer& a) {
  return StrCat(a.code, " ", a.text);
}

// Known differences: case id to cause. Counts, prints what is new, and knows what is no longer
// needed.
class Differences {
 public:
  explicit Differences(std::map<std::string, std::string> known) : known_(std::move(known)) {}

  void Same() { ++same_; }
  void Different(const std::string& id, const std::string& what) {
    if (known_.contains(id)) {
      seen_[id] = true;
      ++known_count_;
      return;
    }
    ++fresh_;
    std::printf("%s: %s\n", id.c_str(), what.c_str());
  }
  int fresh() const { return fresh_; }
  // Listed ids that agree now: the list must shrink.
  std::vector<std::string> Stale() const {
    std::vector<std::string> stale;
    for (const auto& [id, cause] : known_) {
      if (!seen_.contains(id)) {
        stale.push_back(id);
      }
    }
    return stale;
  }
  void Print(std::string_view name) const {
    std::printf("%.*s: %d agree, %d known differences, %d new\n", static_cast<int>(name.size()),
                name.data(), same_, known_count_, fresh_);
  }

 private:
  std::map<std::string, std::string> known_;
  std::map<std::string, bool> seen_;
  int same_ = 0;
  int known_count_ = 0;
  int fresh_ = 0;
};

}  // namespace septet::testing
