// SPDX-License-Identifier: Apache-2.0
// The opcodes of 2011 (S01-003 .. S01-011). Source: the manual's "Legacy Opcodes" page.
#include "wire/codec/parse.h"
#include "wire/codec/reader.h"

namespace septet::wire {

Status ParseLegacy(OpCode op_code, std::string_view payload, Message* message);

namespace {

Status CheckAtEnd(const Reader& reader) {
  return reader.at_end() ? OkStatus()
                         : Error(ErrorCode::kInvalidBSON, "Bytes follow the end of the message");
}

Status ReadNamespace(Reader* reader, std::string_view* ns) {
  RETURN_IF_ERROR(reader->ReadCString(ns));
  return ns->empty() ? Error(ErrorCode::kInvalidNamespace, "The namespace is empty") : OkStatus();
}

Status ParseQuery(Reader* reader, OpQuery* query) {
  RETURN_IF_ERROR(reader->Read(&query->flags));
  RETURN_IF_ERROR(ReadNamespace(reader, &query->ns));
  RETURN_IF_ERROR(reader->Read(&query->skip));
  RETURN_IF_ERROR(reader->Read(&query->number_to_return));
  RETURN_IF_ERROR(reader->ReadDoc(&query->query));
  if (!reader->at_end()) {
    query->has_projection = true;
    RETURN_IF_ERROR(reader->ReadDoc(&query->projection));
  }
  return CheckAtEnd(*reader);
}

Status ParseGetMore(Reader* reader, OpGetMore* get_more) {
  int32_t zero = 0;
  RETURN_IF_ERROR(reader->Read(&zero));
  RETURN_IF_ERROR(ReadNamespace(reader, &get_more->ns));
  RETURN_IF_ERROR(reader->Read(&get_more->number_to_return));
  RETURN_IF_ERROR(reader->Read(&get_more->cursor_id));
  return CheckAtEnd(*reader);
}

Status ParseInsert(Reader* reader, OpInsert* insert) {
  uint32_t flags = 0;
  RETURN_IF_ERROR(reader->Read(&flags));
  insert->continue_on_error = (flags & 1) != 0;
  RETURN_IF_ERROR(ReadNamespace(reader, &insert->ns));
  return reader->ReadDocs(&insert->documents);
}

Status ParseUpdate(Reader* reader, OpUpdate* update) {
  int32_t zero = 0;
  uint32_t flags = 0;
  RETURN_IF_ERROR(reader->Read(&zero));
  RETURN_IF_ERROR(ReadNamespace(reader, &update->ns));
  RETURN_IF_ERROR(reader->Read(&flags));
  update->upsert = (flags & 1) != 0;
  update->multi = (flags & 2) != 0;
  RETURN_IF_ERROR(reader->ReadDoc(&update->selector));
  RETURN_IF_ERROR(reader->ReadDoc(&update->update));
  return CheckAtEnd(*reader);
}

Status ParseDelete(Reader* reader, OpDelete* op) {
  int32_t zero = 0;
  uint32_t flags = 0;
  RETURN_IF_ERROR(reader->Read(&zero));
  RETURN_IF_ERROR(ReadNamespace(reader, &op->ns));
  RETURN_IF_ERROR(reader->Read(&flags));
  op->single_remove = (flags & 1) != 0;
  RETURN_IF_ERROR(reader->ReadDoc(&op->selector));
  return CheckAtEnd(*reader);
}

Status ParseKillCursors(Reader* reader, OpKillCursors* kill) {
  int32_t zero = 0;
  int32_t count = 0;
  RETURN_IF_ERROR(reader->Read(&zero));
  RETURN_IF_ERROR(reader->Read(&count));
  // The bytes are already here, so a wrong count cannot make us allocate more than they hold.
  if (count < 0 || static_cast<size_t>(count) != reader->rest().size() / sizeof(int64_t) ||
      reader->rest().size() % sizeof(int64_t) != 0) {
    return Error(ErrorCode::kInvalidLength, "The number of cursors does not fit the message");
  }
  kill->cursor_ids.resize(static_cast<size_t>(count));
  for (int64_t& id : kill->cursor_ids) {
    RETURN_IF_ERROR(reader->Read(&id));
  }
  return OkStatus();
}

Status ParseReply(Reader* reader, OpReply* reply) {
  int32_t count = 0;
  RETURN_IF_ERROR(reader->Read(&reply->flags));
  RETURN_IF_ERROR(reader->Read(&reply->cursor_id));
  RETURN_IF_ERROR(reader->Read(&reply->starting_from));
  RETURN_IF_ERROR(reader->Read(&count));
  RETURN_IF_ERROR(reader->ReadDocs(&reply->documents));
  return count == reply->documents.count()
             ? OkStatus()
             : Error(ErrorCode::kInvalidLength, "OP_REPLY holds another number of documents");
}

}  // namespace

Status ParseLegacy(OpCode op_code, std::string_view payload, Message* message) {
  Reader reader(payload);
  switch (op_code) {
    case OpCode::kQuery:
      return ParseQuery(&reader, &message->emplace<OpQuery>());
    case OpCode::kGetMore:
      return ParseGetMore(&reader, &message->emplace<OpGetMore>());
    case OpCode::kInsert:
      return ParseInsert(&reader, &message->emplace<OpInsert>());
    case OpCode::kUpdate:
      return ParseUpdate(&reader, &message->emplace<OpUpdate>());
    case OpCode::kDelete:
      return ParseDelete(&reader, &message->emplace<OpDelete>());
    case OpCode::kKillCursors:
      return ParseKillCursors(&reader, &message->emplace<OpKillCursors>());
    case OpCode::kReply:
      return ParseReply(&reader, &message->emplace<OpReply>());
    default:
      return Error(ErrorCode::kProtocolError, "Not a legacy opcode");
  }
}

}  // namespace septet::wire
