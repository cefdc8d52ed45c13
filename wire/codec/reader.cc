// SPDX-License-Identifier: Apache-2.0
#include "wire/codec/reader.h"

#include "bson/validate.h"

#include "base/limits.h"
#include "base/strings.h"

namespace septet::wire {
namespace {
constexpr int32_t kEmptyDocBytes = 5;
}  // namespace

Status Reader::Truncated() {
  return Error(ErrorCode::kInvalidBSON, "The message ends in the middle of a field");
}

Status Reader::ReadCString(std::string_view* out) {
  const size_t end = rest_.find('\0');
  if (end == std::string_view::npos) {
    return Truncated();
  }
  *out = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  return OkStatus();
}

Status Reader::ReadBytes(size_t n, std::string_view* out) {
  if (rest_.size() < n) {
    return Truncated();
  }
  *out = rest_.substr(0, n);
  rest_.remove_prefix(n);
  return OkStatus();
}

Status Reader::ReadDoc(bson::DocView* out) {
  if (rest_.size() < static_cast<size_t>(kEmptyDocBytes)) {
    return Truncated();
  }
  int32_t size = 0;
  std::memcpy(&size, rest_.data(), sizeof(size));
  if (size < kEmptyDocBytes || static_cast<size_t>(size) > rest_.size()) {
    return Error(ErrorCode::kInvalidBSON,
                 StrCat("Incorrect BSON length ", size, ", ", rest_.size(), " bytes remain"));
  }
  if (size > limits::kMaxInternalBsonSize) {
    return Error(ErrorCode::kBSONObjectTooLarge,
                 StrCat("BSONObj size: ", size, " is invalid. Size must be between 0 and ",
                        limits::kMaxInternalBsonSize, "(16MB)"));
  }
  const std::string_view bytes = rest_.substr(0, static_cast<size_t>(size));
  RETURN_IF_ERROR(bson::Validate(bytes));
  *out = bson::DocView(bytes);
  rest_.remove_prefix(bytes.size());
  return OkStatus();
}

Status Reader::ReadDocs(Documents* out) {
  const std::string_view bytes = rest_;
  int32_t count = 0;
  for (; !rest_.empty(); ++count) {
    bson::DocView doc;
    RETURN_IF_ERROR(ReadDoc(&doc));
  }
  *out = Documents(bytes, count);
  return OkStatus();
}

}  // namespace septet::wire
