// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "base/os_cpu.h"
#include "base/os_host.h"
#include "base/os_memory.h"

namespace septet {
namespace {

namespace fs = std::filesystem;

class CgroupTest : public testing::Test {
 protected:
  CgroupTest() : root_(fs::path(testing::TempDir()) / ("cg." + std::to_string(getpid()))) {
    fs::create_directories(root_);
  }
  ~CgroupTest() override { fs::remove_all(root_); }
  void Put(const std::string& file, const std::string& text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text << "\n";
  }
  fs::path root_;
};

TEST_F(CgroupTest, V2TakesTheSmallestOnTheWayUp) {
  Put("a/memory.max", "1000");
  Put("a/b/memory.max", "max");
  EXPECT_EQ(os_internal::CgroupLimit(root_, "0::/a/b\n"), 1000u);
  Put("a/b/memory.max", "500");
  EXPECT_EQ(os_internal::CgroupLimit(root_, "0::/a/b\n"), 500u);
}

TEST_F(CgroupTest, V1) {
  Put("memory/docker/x/memory.limit_in_bytes", "2048");
  EXPECT_EQ(os_internal::CgroupLimit(root_, "5:cpu:/y\n4:hugetlb,memory:/docker/x\n"), 2048u);
  // In a container the path does not exist below the mount; the mount itself is our group.
  Put("memory/memory.limit_in_bytes", "4096");
  EXPECT_EQ(os_internal::CgroupLimit(root_, "4:memory:/elsewhere\n"), 4096u);
  Put("memory/memory.limit_in_bytes", "9223372036854771712");
  EXPECT_EQ(os_internal::CgroupLimit(root_, "4:memory:/elsewhere\n"),
            std::numeric_limits<uint64_t>::max());
}

TEST_F(CgroupTest, NoLimit) {
  EXPECT_EQ(os_internal::CgroupLimit(root_, "0::/\n"), std::numeric_limits<uint64_t>::max());
}

TEST(OsTest, ReadingsMakeSense) {
  const MemoryLimits limits = ReadMemoryLimits();
  EXPECT_GT(limits.system_bytes, 0u);
  EXPECT_LE(limits.limit_bytes, limits.system_bytes);
  EXPECT_GT(ReadMemoryUse().resident_bytes, 0u);
  EXPECT_GE(AvailableCpus(), 1);
  const HostFacts facts = ReadHostFacts();
  EXPECT_FALSE(facts.host_name.empty());
  EXPECT_GE(facts.numa_nodes, 1);
  EXPECT_GT(ReadResourceUse().max_resident_kb, 0);
}

}  // namespace
}  // namespace septet
