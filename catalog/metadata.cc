// SPDX-License-Identifier: Apache-2.0
#include "catalog/metadata.h"

#include <cstring>

#include "base/strings.h"
#include "bson/builder.h"
#include "bson/number.h"

namespace septet::catalog {
namespace {

using bson::DocView;
using bson::ElementView;
using bson::ValueView;

Status Corrupt(std::string_view what) {
  return Error(ErrorCode::kDataCorruptionDetected,
               StrCat("stored catalog entry has a bad field '", what, "'"));
}

StatusOr<std::shared_ptr<const IndexEntry>> DecodeIndex(DocView document,
                                                        const index::Extensions* extensions) {
  const ValueView spec = document.Find("spec");
  const ValueView ident = document.Find("ident");
  if (!spec.is_object() || !ident.is_number()) {
    return Corrupt("indexes");
  }
  auto entry = std::make_shared<IndexEntry>();
  ASSIGN_OR_RETURN(entry->spec, index::ParseSpec(spec.AsDoc(), true, extensions));
  entry->ident = static_cast<Ident>(bson::ToInt64Clamped(ident));
  entry->ready = document.Find("ready").Truthy();
  entry->multikey = std::make_shared<std::atomic<uint64_t>>(0);
  entry->accesses = std::make_shared<std::atomic<int64_t>>(0);
  return std::shared_ptr<const IndexEntry>(std::move(entry));
}

}  // namespace

std::string EncodeMetadata(const CollectionInfo& c) {
  bson::DocBuilder b;
  b.Append("ns", c.ns.full());
  b.Append("uuid", bson::BinData{4, {reinterpret_cast<const char*>(c.uuid.bytes), 16}});
  b.Append("options", c.options.empty() ? DocView() : DocView(c.options));
  b.Append("capped", c.capped);
  b.Append("size", c.capped_size);
  b.Append("max", c.capped_max);
  {
    auto array = b.Array("indexes");
    for (const auto& index : c.indexes) {
      auto item = b.AddObject();
      b.Append("spec", DocView(index->spec.document));
      b.Append("ident", static_cast<int64_t>(index->ident));
      b.Append("ready", index->ready);
    }
  }
  return b.Finish();
}

Status SetDefaultCollation(CollectionInfo* c, const index::Extensions* extensions) {
  const ValueView collation =
      c->options.empty() ? ValueView() : DocView(c->options).Find("collation");
  if (!collation.is_object()) {
    return OkStatus();
  }
  if (extensions == nullptr) {
    return Error(ErrorCode::kCommandNotSupported, "collation is not available here");
  }
  ASSIGN_OR_RETURN(index::Extensions::Collation made,
                   extensions->MakeCollation(collation.AsDoc()));
  c->collation = std::move(made.full_spec);
  c->collator = std::move(made.comparator);
  return OkStatus();
}

StatusOr<std::shared_ptr<CollectionInfo>> DecodeMetadata(Ident ident, DocView document,
                                                         const index::Extensions* extensions) {
  auto c = std::make_shared<CollectionInfo>();
  c->ident = ident;
  const ValueView ns = document.Find("ns");
  const ValueView uuid = document.Find("uuid");
  const ValueView options = document.Find("options");
  const ValueView indexes = document.Find("indexes");
  if (!ns.is_string()) {
    return Corrupt("ns");
  }
  if (uuid.type() != bson::Type::kBinData || uuid.AsBinData().bytes.size() != 16) {
    return Corrupt("uuid");
  }
  if (!options.is_object() || !indexes.is_array()) {
    return Corrupt("options");
  }
  c->ns = Namespace::Parse(ns.AsString());
  std::memcpy(c->uuid.bytes, uuid.AsBinData().bytes.data(), 16);
  c->options = options.AsDoc().ToBytes();
  c->capped = document.Find("capped").Truthy();
  c->capped_size = bson::ToInt64Clamped(document.Find("size"));
  c->capped_max = bson::ToInt64Clamped(document.Find("max"));
  RETURN_IF_ERROR(SetDefaultCollation(c.get(), extensions));
  for (const ElementView e : indexes.AsArray()) {
    if (!e.value().is_object()) {
      return Corrupt("indexes");
    }
    ASSIGN_OR_RETURN(auto index, DecodeIndex(e.value().AsDoc(), extensions));
    c->indexes.push_back(std::move(index));
  }
  return c;
}

StatusOr<std::shared_ptr<CollectionInfo>> DecodeView(DocView document,
                                                     const index::Extensions* extensions) {
  auto c = std::make_shared<CollectionInfo>();
  const ValueView id = document.Find("_id");
  const ValueView view_on = document.Find("viewOn");
  const ValueView pipeline = document.Find("pipeline");
  if (!id.is_string() || !view_on.is_string() || !pipeline.is_array()) {
    return Error(ErrorCode::kInvalidViewDefinition,
                 StrCat("found invalid view definition while reading '", "system.views", "'"));
  }
  c->ns = Namespace::Parse(id.AsString());
  c->is_view = true;
  c->view_on = std::string(view_on.AsString());
  c->view_pipeline = pipeline.AsArray().ToBytes();
  bson::DocBuilder b;
  b.Append("viewOn", c->view_on);
  b.AppendArray("pipeline", pipeline.AsArray());
  if (document.Find("collation").is_object()) {
    b.Append("collation", document.Find("collation"));
  }
  c->options = b.Finish();
  RETURN_IF_ERROR(SetDefaultCollation(c.get(), extensions));
  return c;
}

}  // namespace septet::catalog
