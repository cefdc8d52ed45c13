// SPDX-License-Identifier: Apache-2.0
// Answering and closing: see session.h.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "wire/net/io_thread_impl.h"
#include "wire/net/session.h"

namespace septet::wire {
namespace {

// A short answer costs less copied into one piece than gathered by the kernel.
constexpr size_t kJoinedBytes = 2048;

int Join(iovec pieces[3], int count, char* out) {
  size_t n = 0;
  for (int i = 0; i < count; ++i) {
    std::memcpy(out + n, pieces[i].iov_base, pieces[i].iov_len);
    n += pieces[i].iov_len;
  }
  pieces[0] = {out, n};
  return 1;
}

}  // namespace

int Session::Outgoing::Pieces(iovec out[3]) const {
  const std::string_view all[] = {
      {prefix.data(), prefix_size}, body, {checksum.data(), checksum_size}};
  size_t skip = sent;
  int count = 0;
  for (const std::string_view piece : all) {
    if (skip >= piece.size()) {
      skip -= piece.size();
      continue;
    }
    out[count].iov_base = const_cast<char*>(piece.data()) + skip;
    out[count].iov_len = piece.size() - skip;
    skip = 0;
    ++count;
  }
  return count;
}

void Session::SendReply(Reply reply, std::function<void()> written) {
  if (!open()) {
    return;
  }
  if (io_->RunningHere()) {
    DoReply(std::move(reply), std::move(written));
    return;
  }
  io_->Post([self = Self(), reply = std::move(reply), written = std::move(written)]() mutable {
    self->DoReply(std::move(reply), std::move(written));
  });
}

void Session::Done() {
  if (!open()) {
    return;
  }
  if (!io_->RunningHere()) {
    io_->Post([self = Self()] { self->Done(); });
    return;
  }
  P_CHECK(in_flight_);
  in_flight_ = false;
  Advance();
}

void Session::Close() {
  if (io_->RunningHere()) {
    DoClose();
  } else if (open()) {
    io_->Post([self = Self()] { self->DoClose(); });
  }
}

void Session::DoReply(Reply&& reply, std::function<void()>&& written) {
  if (!open()) {
    return;
  }
  P_CHECK(in_flight_);
  in_flight_ = reply.more_to_come;
  const MessageIds ids{++last_id_, request_.response_to};
  request_.response_to = ids.request_id;  // what the next reply of an exhaust stream answers
  Outgoing out = Encode(std::move(reply), ids);
  NetworkCounters::Add(io_->counters().bytes_out, static_cast<int64_t>(out.size()));
  if (request_.may_compress) {
    PackReply(&out);
  }
  out.written = std::move(written);
  Send(std::move(out));
}

Session::Outgoing Session::Encode(Reply&& reply, MessageIds ids) {
  Outgoing out;
  out.close = reply.close;
  out.body = std::move(reply.body);
  if (request_.legacy) {
    const OpReply fields{reply.reply_flags, reply.cursor_id, reply.starting_from,
                         Documents(out.body, reply.count)};
    out.prefix = EncodeReplyPrefix(ids, fields);
    out.prefix_size = kReplyPrefixBytes;
    return out;
  }
  const uint32_t flags =
      (reply.more_to_come ? kMoreToCome : 0u) | (request_.checksum ? kChecksumPresent : 0u);
  const MsgPrefix prefix = EncodeMsgPrefix(ids, flags, out.body.size());
  std::copy(prefix.begin(), prefix.end(), out.prefix.begin());
  out.prefix_size = kMsgPrefixBytes;
  if (request_.checksum) {
    const std::string_view covered[] = {{prefix.data(), prefix.size()}, out.body};
    out.checksum = EncodeChecksum(covered);
    out.checksum_size = kChecksumBytes;
  }
  return out;
}

// Replaces the pieces by one OP_COMPRESSED (S01-036).
void Session::PackReply(Outgoing* out) {
  const std::string_view pieces[] = {{out->prefix.data(), out->prefix_size},
                                     out->body,
                                     {out->checksum.data(), out->checksum_size}};
  std::string packed;
  const Status status = io_->impl().compressor.Compress(pieces, *request_.compressor, &packed);
  if (!status.ok()) {
    P_LOG(kWarning, kNetwork, 4423, "Sending a reply uncompressed", {"error", TextOf(status)});
    return;
  }
  NetworkCounters::Compression& counters =
      io_->counters().compression[static_cast<size_t>(*request_.compressor)];
  NetworkCounters::Add(counters.packed_from, static_cast<int64_t>(out->size()));
  NetworkCounters::Add(counters.packed_to, static_cast<int64_t>(packed.size()));
  out->body = std::move(packed);
  out->prefix_size = 0;
  out->checksum_size = 0;
}

void Session::Send(Outgoing&& out) {
  const bool queue_was_empty = out_.empty();
  if (queue_was_empty) {
    if (!WriteMore(&out)) {
      return;
    }
    if (out.sent == out.size()) {
      if (OnSent(&out)) {
        Advance();
      }
      return;
    }
  }
  out_.push_back(std::move(out));
  if (queue_was_empty) {
    stream_->AsyncWaitWritable([self = Self()](const IoError& error) { self->OnWritable(error); });
  }
}

bool Session::WriteMore(Outgoing* out) {
  char joined[kJoinedBytes];
  while (out->sent < out->size()) {
    iovec pieces[3];
    int count = out->Pieces(pieces);
    if (count > 1 && out->size() - out->sent <= kJoinedBytes) {
      count = Join(pieces, count, joined);
    }
    const ptrdiff_t n = stream_->WriteSome(pieces, count);
    if (n < 0) {
      DoClose();
      return false;
    }
    if (n == 0) {
      return true;
    }
    out->sent += static_cast<size_t>(n);
    NetworkCounters::Add(io_->counters().physical_bytes_out, n);
  }
  return true;
}

void Session::OnWritable(const IoError& error) {
  if (!open()) {
    return;
  }
  if (error) {
    DoClose();
    return;
  }
  while (!out_.empty()) {
    if (!WriteMore(&out_.front())) {
      return;
    }
    if (out_.front().sent < out_.front().size()) {
      stream_->AsyncWaitWritable([self = Self()](const IoError& e) { self->OnWritable(e); });
      return;
    }
    Outgoing done = std::move(out_.front());
    out_.erase(out_.begin());
    if (!OnSent(&done)) {
      return;
    }
  }
  std::vector<Outgoing>().swap(out_);
  Advance();
}

// The socket took all of it. False if that closed the connection.
bool Session::OnSent(Outgoing* out) {
  if (out->close) {
    stream_->Finish();
    DoClose();
    return false;
  }
  if (out->written != nullptr) {
    // Not from here: an exhaust stream would recurse, and starve the thread's other connections.
    io_->Post([self = Self(), written = std::move(out->written)] {
      if (self->open()) {
        written();
      }
    });
  }
  return true;
}

void Session::DoClose() {
  if (!open_.exchange(false, std::memory_order_acq_rel)) {
    return;
  }
  out_.clear();
  stream_->Close();
  stream_.reset();
  owner_->handler().OnClose(*this);
  owner_->OnSessionClosed(facts_.id);
}

}  // namespace septet::wire
