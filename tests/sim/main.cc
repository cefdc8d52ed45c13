// SPDX-License-Identifier: Apache-2.0
// septet_sim: runs simulated sets, one per seed.
//   septet_sim --seeds 200 [--from 1] [--mutation vote-not-durable|commit-older-term|count-written]
//   septet_sim --seed 42            prints the trace and its hash
// Exit code 0: no invariant was broken; 1: one was (the seed and the breach are printed).
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/sim/cluster.h"

namespace {

using septet::sim::Cluster;
using septet::sim::Mutation;

struct Flags {
  uint64_t from = 1;
  uint64_t seeds = 200;
  bool one = false;
  bool quiet = false;
  Mutation mutation = Mutation::kNone;
};

int Usage() {
  std::fprintf(stderr,
               "usage: septet_sim [--seed N | --seeds N --from N] [--mutation NAME] [--quiet]\n");
  return 2;
}

bool ParseFlags(int argc, char** argv, Flags* flags) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--quiet") {
      flags->quiet = true;
      continue;
    }
    if (i + 1 >= argc) {
      return false;
    }
    const char* value = argv[++i];
    if (name == "--seed") {
      flags->one = true;
      flags->from = std::strtoull(value, nullptr, 10);
      flags->seeds = 1;
    } else if (name == "--seeds") {
      flags->seeds = std::strtoull(value, nullptr, 10);
    } else if (name == "--from") {
      flags->from = std::strtoull(value, nullptr, 10);
    } else if (name == "--mutation") {
      for (const Mutation m :
           {Mutation::kVoteNotDurable, Mutation::kCommitOlderTerm, Mutation::kCountWritten}) {
        flags->mutation = septet::sim::MutationName(m) == value ? m : flags->mutation;
      }
      if (flags->mutation == Mutation::kNone) {
        return false;
      }
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  if (!ParseFlags(argc, argv, &flags)) {
    return Usage();
  }
  Cluster::Totals totals;
  for (uint64_t seed = flags.from; seed < flags.from + flags.seeds; ++seed) {
    septet::sim::SimOptions options = septet::sim::OptionsFor(seed);
    options.mutation = flags.mutation;
    options.verbose = flags.one && !flags.quiet;
    Cluster cluster(options);
    const std::string failure = cluster.Run();
    totals.Add(cluster.totals());
    if (!failure.empty()) {
      std::printf("seed %llu: %s\n%s\nreplay: septet_sim --seed %llu%s%s\n",
                  static_cast<unsigned long long>(seed), failure.c_str(), cluster.Summary().c_str(),
                  static_cast<unsigned long long>(seed),
                  flags.mutation == Mutation::kNone ? "" : " --mutation ",
                  flags.mutation == Mutation::kNone
                      ? ""
                      : std::string(septet::sim::MutationName(flags.mutation)).c_str());
      return 1;
    }
    if (!flags.one && (seed - flags.from) % 500 == 499) {
      std::fprintf(stderr, "%llu seeds\n", static_cast<unsigned long long>(seed - flags.from + 1));
    }
    if (flags.one) {
      std::printf("seed %llu: fine; %s\n", static_cast<unsigned long long>(seed),
                  cluster.Summary().c_str());
      std::printf("trace hash %016llx\n", static_cast<unsigned long long>(cluster.trace_hash()));
    }
  }
  if (!flags.one) {
    std::printf("%llu seeds from %llu: fine; %s\n", static_cast<unsigned long long>(flags.seeds),
                static_cast<unsigned long long>(flags.from), totals.ToString().c_str());
  }
  return 0;
}
