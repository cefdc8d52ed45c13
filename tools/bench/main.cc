// SPDX-License-Identifier: Apache-2.0
// A load program through the C driver: C connections, one thread each, repeat one operation.
//
//   septet_bench --uri URI --workload W [--documents N] [--connections C] [--seconds S] [--warmup S]
//                [--pid SERVER] [--json]
//
// Prints operations per second (documents for bulk), latency in ms, and with --pid the server's
// processor time (user and system, all threads) per operation. Data that is missing is loaded first
// and stays; it lives in the database "bench".
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/strings.h"
#include "tools/bench/workload.h"
#include "tools/process.h"

namespace septet::bench {
namespace {

struct Options {
  std::string uri = "mongodb://127.0.0.1:27017";
  std::string workload = "ping";
  int64_t documents = 100'000;
  int connections = 8;
  double seconds = 5;
  double warmup = 1;
  int pid = 0;
  bool json = false;
};

enum class Phase { kWarmup, kMeasure, kStop };

// What one thread measured.
struct Tally {
  int64_t units = 0;
  std::vector<uint32_t> micros;
  Status status;
};

struct Result {
  double per_s = 0;
  double cpu_us = 0;  // of the server, per operation
  std::vector<uint32_t> micros;
};

void RunWorker(Worker* worker, const std::atomic<Phase>* phase, Tally* tally) {
  while (phase->load() != Phase::kStop) {
    const int64_t start = tools::NowNanos();
    const StatusOr<int64_t> units = worker->Step();
    if (!units.ok()) {
      tally->status = units.status();
      return;
    }
    // What ends within the window counts, wherever it began: long commands are not lost at its start.
    if (phase->load() == Phase::kMeasure) {
      tally->units += *units;
      tally->micros.push_back(static_cast<uint32_t>(
          std::min<int64_t>((tools::NowNanos() - start) / 1000, UINT32_MAX)));
    }
  }
}

void Sleep(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

StatusOr<Result> Measure(const Options& options, Workload* workload,
                         const std::vector<mongoc_client_t*>& clients) {
  std::atomic<Phase> phase = Phase::kWarmup;
  std::vector<Tally> tallies(clients.size());
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < clients.size(); ++i) {
    workers.push_back(workload->MakeWorker(clients[i], i + 100));
    threads.emplace_back(RunWorker, workers[i].get(), &phase, &tallies[i]);
  }
  Sleep(options.warmup);
  const double cpu_before = tools::CpuMicrosOf(options.pid).value_or(0);
  const int64_t start = tools::NowNanos();
  phase = Phase::kMeasure;
  Sleep(options.seconds);
  phase = Phase::kStop;
  const double elapsed_s = static_cast<double>(tools::NowNanos() - start) / 1e9;
  const double cpu = tools::CpuMicrosOf(options.pid).value_or(0) - cpu_before;
  for (std::thread& thread : threads) {
    thread.join();
  }
  Result result;
  int64_t units = 0;
  for (const Tally& tally : tallies) {
    RETURN_IF_ERROR(tally.status);
    units += tally.units;
    result.micros.insert(result.micros.end(), tally.micros.begin(), tally.micros.end());
  }
  std::sort(result.micros.begin(), result.micros.end());
  result.per_s = static_cast<double>(units) / elapsed_s;
  result.cpu_us = cpu / static_cast<double>(std::max<int64_t>(units, 1));
  return result;
}

// Milliseconds, of sorted microseconds.
double Quantile(const std::vector<uint32_t>& micros, double q) {
  if (micros.empty()) {
    return 0;
  }
  return micros[static_cast<size_t>(q * static_cast<double>(micros.size() - 1))] / 1000.0;
}

void Print(const Options& options, const Result& result) {
  const double p50 = Quantile(result.micros, 0.5);
  const double p95 = Quantile(result.micros, 0.95);
  const double p99 = Quantile(result.micros, 0.99);
  if (options.json) {
    std::printf(
        "{\"workload\":\"%s\",\"connections\":%d,\"ops_per_s\":%.0f,\"p50_ms\":%.3f,"
        "\"p95_ms\":%.3f,\"p99_ms\":%.3f,\"server_cpu_us_per_op\":%.3f}\n",
        options.workload.c_str(), options.connections, result.per_s, p50, p95, p99, result.cpu_us);
    return;
  }
  std::printf("%s C=%d: %.0f %s/s, p50 %.3f ms, p95 %.3f ms, p99 %.3f ms",
              options.workload.c_str(), options.connections, result.per_s,
              options.workload == "bulk" ? "documents" : "operations", p50, p95, p99);
  if (options.pid != 0) {
    std::printf(", server CPU %.2f us/%s", result.cpu_us,
                options.workload == "bulk" ? "document" : "operation");
  }
  std::printf("\n");
}

Status RunAll(const Options& options) {
  const std::unique_ptr<Workload> workload = MakeWorkload(options.workload, options.documents);
  bson_error_t error{};
  const UriPtr uri(mongoc_uri_new_with_error(options.uri.c_str(), &error));
  if (uri == nullptr) {
    return ToStatus(error);
  }
  const PoolPtr pool(mongoc_client_pool_new(uri.get()));
  if (pool == nullptr) {
    return Error(ErrorCode::kBadValue, "the driver refuses the connection string");
  }
  mongoc_client_pool_set_error_api(pool.get(), MONGOC_ERROR_API_VERSION_2);
  mongoc_client_pool_max_size(pool.get(), static_cast<uint32_t>(options.connections));
  std::vector<mongoc_client_t*> clients;
  for (int i = 0; i < options.connections; ++i) {
    clients.push_back(mongoc_client_pool_pop(pool.get()));
  }
  Status status = workload->Prepare(clients[0]);
  if (status.ok()) {
    const StatusOr<Result> result = Measure(options, workload.get(), clients);
    status = result.status();
    if (result.ok()) {
      Print(options, *result);
    }
  }
  for (mongoc_client_t* client : clients) {
    mongoc_client_pool_push(pool.get(), client);
  }
  return status;
}

bool ParseOptions(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--json") {
      options->json = true;
      continue;
    }
    if (i + 1 == argc) {
      return false;
    }
    const char* const value = argv[++i];
    if (name == "--uri") {
      options->uri = value;
    } else if (name == "--workload") {
      options->workload = value;
    } else if (name == "--documents") {
      options->documents = std::atoll(value);
    } else if (name == "--connections") {
      options->connections = std::atoi(value);
    } else if (name == "--seconds") {
      options->seconds = std::atof(value);
    } else if (name == "--warmup") {
      options->warmup = std::atof(value);
    } else if (name == "--pid") {
      options->pid = std::atoi(value);
    } else {
      return false;
    }
  }
  return options->documents > 0 && options->documents <= INT32_MAX && options->connections > 0 &&
         options->seconds > 0 && options->warmup >= 0 && MakeWorkload(options->workload, 2);
}

}  // namespace
}  // namespace septet::bench

int main(int argc, char** argv) {
  septet::bench::Options options;
  if (!septet::bench::ParseOptions(argc, argv, &options)) {
    std::fprintf(stderr,
                 "usage: septet_bench [--uri URI] [--workload W] [--documents N] [--connections C]\n"
                 "                    [--seconds S] [--warmup S] [--pid SERVER] [--json]\n"
                 "workloads: %s\n",
                 std::string(septet::bench::WorkloadNames()).c_str());
    return 2;
  }
  mongoc_init();
  const septet::Status status = septet::bench::RunAll(options);
  mongoc_cleanup();
  if (!status.ok()) {
    std::fprintf(stderr, "septet_bench: %s\n", std::string(septet::TextOf(status)).c_str());
    return 1;
  }
  return 0;
}
