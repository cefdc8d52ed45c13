// SPDX-License-Identifier: Apache-2.0
// One accepted connection as a small callback state machine.
//
//   reading --whole message--> Handle --answered--> writing --written--> reading
//
// A message is read into one buffer and parsed in place. While a request is in flight the read
// stays pending, into the free end of the buffer: what comes is the next request, and an end of
// file is a client that left. The next request is looked at only when the last answer is written,
// so a client that does not read cannot make the server queue answers. Thread rule: its I/O thread,
// except SendReply, Done, Close and open (Connection).
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/codec/parse.h"
#include "wire/codec/serialize.h"
#include "wire/net/buffer_pool.h"
#include "wire/net/handler.h"
#include "wire/net/io_thread.h"
#include "wire/net/stream.h"

namespace septet::wire {

// What a session needs of its listener.
class SessionOwner {
 public:
  virtual ~SessionOwner() = default;
  virtual Handler& handler() = 0;
  // After the handler's OnClose; the last thing a session does with its owner.
  virtual void OnSessionClosed(int64_t id) = 0;
};

class Session final : public Connection {
 public:
  // An idle connection keeps a buffer of the first size, at most of the second.
  static constexpr size_t kBufferBytes = 4096;
  static constexpr size_t kKeptBufferBytes = 16384;
  // Left free behind a whole message for the read that stays pending.
  static constexpr size_t kTailBytes = 256;

  Session(SessionOwner* owner, IoThread* io, int fd, int family, ConnectionFacts facts);
  ~Session() override;

  // Calls OnConnect and begins to read. On its I/O thread.
  void Start();

  void SendReply(Reply reply, std::function<void()> written) override;
  void Done() override;
  void Close() override;
  bool open() const override { return open_.load(std::memory_order_acquire); }

 private:
  // An answer, or what is left of it, on its way to the socket.
  struct Outgoing {
    std::array<char, kReplyPrefixBytes> prefix;
    std::array<char, kChecksumBytes> checksum;
    uint8_t prefix_size = 0;
    uint8_t checksum_size = 0;
    bool close = false;
    std::string body;
    size_t sent = 0;
    std::function<void()> written;

    size_t size() const { return prefix_size + body.size() + checksum_size; }
    int Pieces(iovec out[3]) const;
  };
  // What is remembered of the request in flight to answer it.
  struct InFlight {
    int32_t response_to = 0;
    bool legacy = false;
    bool checksum = false;
    bool may_compress = false;
    std::optional<CompressorId> compressor;
  };

  std::shared_ptr<Session> Self() { return std::static_pointer_cast<Session>(shared_from_this()); }
  size_t buffered() const { return end_ - begin_; }

  // Reading (session.cc).
  void Read();
  void OnRead(const IoError& error, size_t n);
  void Advance();
  bool NextMessage();
  bool NeedsRoom(size_t message_bytes) const;
  void MakeRoom(size_t message_bytes);
  void ShrinkBuffer();
  void Dispatch(std::string_view message);
  bool Unpack(std::string_view* message, std::optional<CompressorId>* compressor);
  void Refuse(ParseResult&& result);
  void AnswerHttp();

  // Writing (session_write.cc).
  void DoReply(Reply&& reply, std::function<void()>&& written);
  Outgoing Encode(Reply&& reply, MessageIds ids);
  void PackReply(Outgoing* out);
  void Send(Outgoing&& out);
  // False if the connection had to be closed. Whole: out->sent == out->size().
  bool WriteMore(Outgoing* out);
  void OnWritable(const IoError& error);
  bool OnSent(Outgoing* out);
  void DoClose();

  SessionOwner* const owner_;
  std::optional<PlainStream> stream_;
  std::atomic<bool> open_{true};

  Buffer buffer_;
  size_t begin_ = 0;         // first byte not consumed
  size_t end_ = 0;           // behind the last byte read
  bool reading_ = false;     // a read is pending; the buffer must not move
  bool cancelling_ = false;  // it was cancelled to get the buffer back
  bool in_flight_ = false;
  bool advancing_ = false;  // Advance is on the stack
  InFlight request_;
  std::string inner_;  // the request in flight, if it came compressed
  int32_t last_id_ = 0;
  std::vector<Outgoing> out_;  // not empty: waiting for the socket to take more
};

}  // namespace septet::wire
