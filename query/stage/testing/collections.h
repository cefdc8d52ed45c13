// SPDX-License-Identifier: Apache-2.0
// Collections of one member on the memory engine and pipelines over them, for tests.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "bson/ejson.h"
#include "catalog/testing/node.h"
#include "query/stage/pipeline.h"

namespace septet::query::testing {

class CollectionsTest : public ::testing::Test {
 protected:
  void Fill(std::string_view name, const std::vector<std::string_view>& documents) {
    node_.Create(StrCat("db.", name));
    for (const std::string_view json : documents) {
      ASSERT_TRUE(node_.Insert(StrCat("db.", name), json).ok()) << json;
    }
  }
  void CreateView(std::string_view name, std::string_view on, std::string_view stages) {
    const std::string pipeline = *bson::FromJson(StrCat(R"({"p":)", stages, "}"));
    catalog::Op op;
    ASSERT_TRUE(node_.catalog()
                    ->CreateView(&op, catalog::Namespace("db", name), on,
                                 DocView(pipeline).Find("p").AsArray(), DocView())
                    .ok());
  }

  // The documents, one per line, or "code text".
  std::string Run(std::string_view name, std::string_view stages) {
    const auto text = bson::FromJson(StrCat(R"({"p":)", stages, "}"));
    EXPECT_TRUE(text.ok()) << stages;
    const auto rows = RunStages(name, DocView(*text).Find("p").AsArray());
    if (!rows.ok()) {
      return StrCat(static_cast<int>(CodeOf(rows.status())), " ", TextOf(rows.status()));
    }
    std::string out;
    for (const std::string& row : *rows) {
      out += StrCat(bson::ToRelaxedJson(DocView(row)), "\n");
    }
    return out;
  }
  std::string All(std::string_view name) { return Run(name, R"([{"$sort":{"_id":1}}])"); }

  catalog::testing::Node node_;

 private:
  StatusOr<std::vector<std::string>> RunStages(std::string_view name, DocView stages) {
    ParseContext variables;
    PipelineScope scope;
    scope.ns = catalog::Namespace("db", name);
    scope.variables = &variables;
    scope.catalog = node_.catalog();
    ASSIGN_OR_RETURN(const auto pipeline, Pipeline::Parse(stages, scope));
    catalog::Op op;
    PipelineRun run;
    run.catalog = node_.catalog();
    run.op = &op;
    ASSIGN_OR_RETURN(Plan plan, pipeline->MakePlan(run, {}));
    std::vector<std::string> out;
    for (;;) {
      Row row;
      ASSIGN_OR_RETURN(const Step step, plan.Next(&op, &row));
      if (step == Step::kDone) {
        return out;
      }
      if (step == Step::kRow) {
        out.push_back(row.doc.ToBytes());
      }
    }
  }
};

}  // namespace septet::query::testing
