// SPDX-License-Identifier: Apache-2.0
// Reading: see session.h. Writing and closing stand in session_write.cc.
#include "wire/net/session.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/strings.h"
#include "wire/net/io_thread_impl.h"

namespace septet::wire {
namespace {

// A message is believed to be as long as it says only as its bytes come in: this much memory is
// given for a start, then eight times what has arrived.
constexpr size_t kTrustedBytes = 1024 * 1024;
constexpr size_t kTrustedFactor = 8;

}  // namespace

Session::Session(SessionOwner* owner, IoThread* io, int fd, int family, ConnectionFacts facts)
    : owner_(owner) {
  facts_ = std::move(facts);
  io_ = io;
  stream_.emplace(&io->impl().context, fd, family);
}

Session::~Session() = default;

void Session::Start() {
  state_ = owner_->handler().OnConnect(*this);
  if (!stream_->ok()) {
    DoClose();
    return;
  }
  buffer_ = io_->impl().buffers.Take(kBufferBytes);
  Advance();
}

void Session::Read() {
  reading_ = true;
  stream_->AsyncRead(buffer_.bytes.get() + end_, buffer_.capacity - end_,
                     [self = Self()](const IoError& error, size_t n) { self->OnRead(error, n); });
}

void Session::OnRead(const IoError& error, size_t n) {
  reading_ = false;
  const bool cancelled = std::exchange(cancelling_, false);
  if (!open()) {
    return;
  }
  if (error && !(cancelled && error == asio::error::operation_aborted)) {
    DoClose();
    return;
  }
  end_ += n;
  NetworkCounters::Add(io_->counters().physical_bytes_in, static_cast<int64_t>(n));
  Advance();
}

// Handles what has arrived, then sees to it that a read is pending.
void Session::Advance() {
  if (advancing_) {
    return;  // answered inside Handle: the loop below goes on
  }
  advancing_ = true;
  while (open() && !in_flight_ && out_.empty() && NextMessage()) {
  }
  advancing_ = false;
  if (!open()) {
    return;
  }
  const bool idle = !in_flight_ && out_.empty() && begin_ == end_;
  if (reading_) {
    if (idle && buffer_.capacity > kKeptBufferBytes && !cancelling_) {
      cancelling_ = true;  // comes back to here with a buffer that may be given away
      stream_->Cancel();
    }
    return;
  }
  if (idle) {
    ShrinkBuffer();
  }
  if (end_ < buffer_.capacity) {
    Read();
  }
}

// Dispatches the next whole message. False if there is none; then the buffer has room for more of
// it.
bool Session::NextMessage() {
  if (buffered() < sizeof(int32_t)) {
    if (!reading_) {
      MakeRoom(kBufferBytes - kTailBytes);
    }
    return false;
  }
  const char* const start = buffer_.bytes.get() + begin_;
  int32_t length = 0;
  std::memcpy(&length, start, sizeof(length));
  if (!IsAcceptableLength(length)) {
    if (LooksLikeHttp(start)) {
      AnswerHttp();
    } else {
      P_LOG_DEBUG(1, kNetwork, 4420, "Closing a connection that sent an invalid message length",
                  {"remote", facts_.remote}, {"length", length});
      DoClose();
    }
    return false;
  }
  const auto size = static_cast<size_t>(length);
  if (!reading_ && NeedsRoom(size)) {
    MakeRoom(size);
  }
  if (buffered() < size) {
    return false;
  }
  Dispatch({buffer_.bytes.get() + begin_, size});
  // The bytes stay where they are until the next look at the buffer.
  begin_ += size;
  return true;
}

// Whether the message that begins at begin_, or the tail behind it, does not fit. A long message
// is grown for when what is believed of it has arrived, so that little is copied.
bool Session::NeedsRoom(size_t message_bytes) const {
  const bool tail_missing = buffer_.capacity - end_ < kTailBytes;
  return tail_missing ||
         buffer_.capacity - begin_ < std::min(message_bytes, kTrustedBytes) + kTailBytes;
}

// Moves what is buffered so that a message of that size, and the tail, fit behind begin_ as far as
// they are believed. Only while no request is in flight and no read is pending.
void Session::MakeRoom(size_t message_bytes) {
  const size_t believed =
      std::min(message_bytes, std::max(kTrustedBytes, buffered() * kTrustedFactor));
  const size_t wanted = std::max(believed, buffered()) + kTailBytes;
  if (buffer_.capacity - begin_ >= wanted) {
    return;
  }
  const char* const from = buffer_.bytes.get() + begin_;
  const size_t n = buffered();
  if (buffer_.capacity >= wanted) {
    std::memmove(buffer_.bytes.get(), from, n);
  } else {
    BufferPool& pool = io_->impl().buffers;
    Buffer bigger = pool.Take(std::max(wanted, kBufferBytes));
    std::memcpy(bigger.bytes.get(), from, n);
    pool.Give(std::exchange(buffer_, std::move(bigger)));
  }
  begin_ = 0;
  end_ = n;
}

// An idle connection keeps little.
void Session::ShrinkBuffer() {
  begin_ = end_ = 0;
  if (buffer_.capacity > kKeptBufferBytes) {
    BufferPool& pool = io_->impl().buffers;
    pool.Give(std::exchange(buffer_, pool.Take(kBufferBytes)));
  }
  if (inner_.capacity() > kKeptBufferBytes) {
    std::string().swap(inner_);
  }
}

void Session::Dispatch(std::string_view message) {
  std::optional<CompressorId> compressor;
  if (!Unpack(&message, &compressor)) {
    DoClose();
    return;
  }
  NetworkCounters& counters = io_->counters();
  NetworkCounters::Add(counters.bytes_in, static_cast<int64_t>(message.size()));
  NetworkCounters::Add(counters.requests, 1);
  ParseResult result = Parse(message);
  request_ = InFlight{};
  request_.response_to = result.header.request_id;
  request_.compressor = compressor;
  std::string_view command;
  if (const OpMsg* msg = std::get_if<OpMsg>(&result.message)) {
    request_.checksum = msg->checksum_present();
    command = msg->command_name();
  } else {
    request_.legacy = true;
    if (const OpQuery* query = std::get_if<OpQuery>(&result.message)) {
      command = query->command_name();
    }
  }
  request_.may_compress = compressor.has_value() && MayCompressReply(command);
  if (std::holds_alternative<OpReply>(result.message)) {
    result.verdict = Verdict::kClose;
    result.status = Error(ErrorCode::kProtocolError, "A client does not send OP_REPLY");
  }
  if (result.verdict != Verdict::kHandle) {
    Refuse(std::move(result));
    return;
  }
  in_flight_ = true;
  owner_->handler().Handle(shared_from_this(),
                           Request{result.header, std::move(result.message), compressor});
}

// Replaces the view of an OP_COMPRESSED by one of the message inside.
bool Session::Unpack(std::string_view* message, std::optional<CompressorId>* compressor) {
  if (DecodeHeader(message->data()).op_code != OpCode::kCompressed) {
    return true;
  }
  CompressorId id{};
  const Status status = io_->impl().compressor.Decompress(*message, &inner_, &id);
  if (!status.ok()) {
    P_LOG_DEBUG(1, kNetwork, 4421, "Closing a connection that sent an invalid compressed message",
                {"remote", facts_.remote}, {"error", TextOf(status)});
    return false;
  }
  NetworkCounters::Compression& counters = io_->counters().compression[static_cast<size_t>(id)];
  NetworkCounters::Add(counters.unpacked_from, static_cast<int64_t>(message->size()));
  NetworkCounters::Add(counters.unpacked_to, static_cast<int64_t>(inner_.size()));
  *compressor = id;
  *message = inner_;
  return true;
}

void Session::Refuse(ParseResult&& result) {
  P_LOG_DEBUG(1, kNetwork, 4422, "Received an invalid message", {"remote", facts_.remote},
              {"code", static_cast<int>(CodeOf(result.status))}, {"error", TextOf(result.status)});
  const bool close = result.verdict != Verdict::kReply;
  const Request request{result.header, std::move(result.message), std::nullopt};
  if (result.verdict == Verdict::kClose || (close && !request.wants_reply())) {
    DoClose();
    return;
  }
  if (!request.wants_reply()) {
    return;  // the next message is looked at
  }
  in_flight_ = true;
  Reply reply;
  reply.body = owner_->handler().ErrorBody(*this, result.status);
  reply.reply_flags = kQueryFailure;
  reply.close = close;
  DoReply(std::move(reply), nullptr);
}

void Session::AnswerHttp() {
  constexpr std::string_view kNotice =
      "It looks like you are trying to access this database over HTTP on the native driver "
      "port.\r\n";
  Outgoing out;
  out.body = StrCat("HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\n",
                    "Content-Length: ", kNotice.size(), "\r\n\r\n", kNotice);
  out.close = true;
  begin_ = end_;
  Send(std::move(out));
}

}  // namespace septet::wire
