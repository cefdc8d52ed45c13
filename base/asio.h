// SPDX-License-Identifier: Apache-2.0
// The only file that includes Asio (Boost 1.81). Include it from .cc files and internal headers
// only: it costs 1.6 s to compile.
//
// House rules: callbacks, no coroutines; the concrete executor type (the type-erased one costs 10 %
// of a ping); functions in their error_code form, since no exception crosses a function of ours.
// One io_context is run by one thread.
#pragma once

#define BOOST_ASIO_NO_DEPRECATED
#define BOOST_ASIO_NO_TS_EXECUTORS
#define BOOST_ASIO_DISABLE_CO_AWAIT

#include <chrono>
#include <utility>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>

namespace septet {

namespace asio = boost::asio;
using IoError = boost::system::error_code;
using IoExecutor = asio::io_context::executor_type;
// TCP and Unix sockets alike.
using IoStreamSocket = asio::basic_stream_socket<asio::generic::stream_protocol, IoExecutor>;
using IoTimer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, IoExecutor>;
// Any file descriptor, to be told when it is ready.
using IoDescriptor = asio::posix::basic_stream_descriptor<IoExecutor>;

}  // namespace septet
