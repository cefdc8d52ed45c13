// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/documents.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "bson/builder.h"

#include "base/strings.h"

namespace septet::bench {
namespace {

constexpr size_t kTextFields = 5;
constexpr size_t kRandomTextBytes = 60;
constexpr std::string_view kPlainText =
    "the quick brown fox jumps over the lazy dog, again and again, until the field holds what it is"
    " meant to hold, no more";

constexpr char kTextNames[kTextFields][3] = {"f0", "f1", "f2", "f3", "f4"};

}  // namespace

std::string RandomText(size_t size, Random* random) {
  static constexpr char kLetters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text(size, '\0');
  uint64_t bits = 0;
  for (size_t i = 0; i < size; ++i) {
    bits = i % 10 == 0 ? random->Next() : bits >> 6;
    text[i] = kLetters[bits & 63];
  }
  return text;
}

std::string MakeDocument(int64_t id, Random* random) {
  bson::DocBuilder doc;
  if (id >= 0) {
    doc.Append("_id", static_cast<int32_t>(id));
  } else {
    doc.Append("_id", bson::ObjectId::Generate());
  }
  doc.Append("a", static_cast<int32_t>(random->Uniform(kRangeOfA)));
  doc.Append("b", RandomText(16, random));
  doc.Append("g", static_cast<int32_t>(random->Uniform(kGroups)));
  doc.Append("n", 0);
  for (const char* name : kTextNames) {
    doc.Append(name, StrCat(RandomText(kRandomTextBytes, random), kPlainText));
  }
  return doc.Finish();
}

Status CreateIndexes(mongoc_client_t* client, const char* collection) {
  const std::string by_a = bson::MakeDoc("a", 1);
  const std::string by_b = bson::MakeDoc("b", 1);
  bson::DocBuilder command;
  command.Append("createIndexes", collection);
  {
    const auto indexes = command.Array("indexes");
    command.Add(bson::DocView(bson::MakeDoc("key", bson::DocView(by_a), "name", "a_1")));
    command.Add(bson::DocView(bson::MakeDoc("key", bson::DocView(by_b), "name", "b_1")));
  }
  return Run(client, command.Finish());
}

Status LoadDocs(mongoc_client_t* client, int64_t documents) {
  const CollectionPtr collection = Open(client, kDocs);
  const std::string last = bson::MakeDoc("_id", static_cast<int32_t>(documents - 1));
  ASSIGN_OR_RETURN(const int64_t found,
                   Drain(CursorPtr(mongoc_collection_find_with_opts(
                       collection.get(), Bson(last).get(), nullptr, nullptr))));
  if (found > 0) {
    return OkStatus();
  }
  RETURN_IF_ERROR(CreateIndexes(client, kDocs));
  Random random(1);
  for (int64_t id = 0; id < documents;) {
    std::vector<std::string> batch;
    for (const int64_t end = std::min(documents, id + kLoadBatch); id < end; ++id) {
      batch.push_back(MakeDocument(id, &random));
    }
    RETURN_IF_ERROR(InsertMany(collection.get(), batch));
  }
  return OkStatus();
}

}  // namespace septet::bench
