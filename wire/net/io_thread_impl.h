// SPDX-License-Identifier: Apache-2.0
// The inside of IoThread, for the files of this folder.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "base/asio.h"
#include "wire/codec/compress.h"
#include "wire/net/buffer_pool.h"

namespace septet::wire::net_internal {

struct IoThreadImpl {
  IoThreadImpl() : context(1), work(context.get_executor()) {}

  bool RunningHere() const {
    return id.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }

  // What connections of this thread share. Before `context`: connections that die with the
  // context's last callbacks still use it.
  Compressor compressor;
  BufferPool buffers;

  asio::io_context context;
  asio::executor_work_guard<IoExecutor> work;
  std::atomic<std::thread::id> id{};
  std::thread thread;
};

}  // namespace septet::wire::net_internal
