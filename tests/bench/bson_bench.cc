// SPDX-License-Identifier: Apache-2.0
// Cost of the BSON floor and of ordered keys: a document of about 1 KB with 15 fields (21 with the
// nested ones), as in docs of users: an id, names, numbers, dates, an address, tags, a text.
#include <benchmark/benchmark.h>

#include <string>

#include "bson/builder.h"
#include "bson/compare.h"
#include "bson/ejson.h"
#include "bson/path.h"
#include "bson/validate.h"
#include "storage/key.h"

namespace septet {
namespace {

using bson::DocBuilder;
using bson::DocView;
using bson::ElementView;
using bson::ValueView;

const bson::ObjectId kId{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};

void Build(DocBuilder* b, std::string_view text) {
  b->Append("_id", kId).Append("userId", int64_t{123456789}).Append("name", "Alice Example");
  b->Append("email", "alice@example.com").Append("age", 42).Append("active", true);
  b->Append("score", 98.5).AppendDate("createdAt", 1700000000000).AppendDate("updatedAt", 1700000001000);
  b->OpenObject("address");
  b->Append("street", "1 Main Street").Append("city", "Springfield").Append("lat", 12.5);
  b->Close();
  b->OpenArray("tags");
  b->Append("0", "red").Append("1", "green").Append("2", "blue");
  b->Close();
  b->Append("country", "DE").Append("version", 7).Append("bio", text).AppendNull("deletedAt");
}

std::string MakeTestDoc(const std::string& text) {
  DocBuilder b;
  Build(&b, text);
  return b.Finish();
}

const std::string kAscii(640, 'x');

void Walk(benchmark::State& state) {
  const std::string bytes = MakeTestDoc(kAscii);
  for (auto _ : state) {
    int sum = 0;
    for (const ElementView e : DocView(bytes)) {
      sum += static_cast<int>(e.type());
    }
    benchmark::DoNotOptimize(sum);
  }
}
BENCHMARK(Walk);

int WalkAll(DocView doc) {
  int sum = 0;
  for (const ElementView e : doc) {
    sum += static_cast<int>(e.type());
    if (e.value().is_object() || e.value().is_array()) {
      sum += WalkAll(e.value().AsAnyDoc());
    }
  }
  return sum;
}

void WalkRecursive(benchmark::State& state) {
  const std::string bytes = MakeTestDoc(kAscii);
  for (auto _ : state) {
    benchmark::DoNotOptimize(WalkAll(DocView(bytes)));
  }
}
BENCHMARK(WalkRecursive);

void Find(benchmark::State& state) {
  static constexpr std::string_view kNames[] = {"_id", "address", "deletedAt", "missing"};
  const std::string bytes = MakeTestDoc(kAscii);
  const std::string name(kNames[state.range(0)]);
  for (auto _ : state) {
    std::string_view n = name;
    benchmark::DoNotOptimize(n);
    benchmark::DoNotOptimize(DocView(bytes).Find(n).data());
  }
  state.SetLabel(name);
}
BENCHMARK(Find)->DenseRange(0, 3);

void FindDotted(benchmark::State& state) {
  const std::string bytes = MakeTestDoc(kAscii);
  const bson::FieldPath path("address.lat");
  for (auto _ : state) {
    benchmark::DoNotOptimize(FindPath(DocView(bytes), path).data());
  }
}
BENCHMARK(FindDotted);

void Validate(benchmark::State& state) {
  const std::string bytes = MakeTestDoc(kAscii);
  const bson::ValidateOptions options{.check_utf8 = state.range(0) != 0};
  for (auto _ : state) {
    benchmark::DoNotOptimize(bson::Validate(bytes, options).ok());
  }
  state.SetLabel(state.range(0) != 0 ? "with UTF-8" : "structure");
}
BENCHMARK(Validate)->Arg(0)->Arg(1);

void BuildReused(benchmark::State& state) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    DocBuilder b(&out);
    Build(&b, "short text");
    b.Finish();
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(BuildReused);

void BuildFlat15(benchmark::State& state) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    DocBuilder b(&out);
    b.Append("_id", kId).Append("a", 1).Append("b", int64_t{2}).Append("c", 3.0).Append("d", "text");
    b.Append("e", true).Append("f", 1).Append("g", int64_t{2}).Append("h", 3.0).Append("i", "text");
    b.Append("j", true).Append("k", 1).Append("l", int64_t{2}).Append("m", 3.0).Append("n", "text");
    b.Finish();
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(BuildFlat15);

void BuildOwn(benchmark::State& state) {
  for (auto _ : state) {
    DocBuilder b;
    Build(&b, "short text");
    benchmark::DoNotOptimize(b.Finish());
  }
}
BENCHMARK(BuildOwn);

void CompareDocs(benchmark::State& state) {
  const std::string a = MakeTestDoc(kAscii);
  const std::string b = MakeTestDoc(kAscii);
  for (auto _ : state) {
    benchmark::DoNotOptimize(bson::Compare(DocView(a), DocView(b)));
  }
}
BENCHMARK(CompareDocs);

void HashDoc(benchmark::State& state) {
  const std::string a = MakeTestDoc(kAscii);
  const ValueView v(bson::Type::kObject, a.data());
  for (auto _ : state) {
    benchmark::DoNotOptimize(bson::Hash(v));
  }
}
BENCHMARK(HashDoc);

void Key(benchmark::State& state) {
  static constexpr std::string_view kNames[] = {"_id", "userId", "email", "score", "age"};
  const std::string bytes = MakeTestDoc(kAscii);
  const ValueView v = DocView(bytes)[kNames[state.range(0)]];
  storage::KeyBuilder k(7);
  for (auto _ : state) {
    k.Reset(7);
    k.Append(v);
    k.AppendRecordId(12345);
    benchmark::DoNotOptimize(k.key().data());
  }
  state.SetLabel(std::string(bson::TypeName(v.type())));
}
BENCHMARK(Key)->DenseRange(0, 4);

void DecodeKeyOfTwo(benchmark::State& state) {
  const std::string bytes = MakeTestDoc(kAscii);
  storage::KeyBuilder k(7);
  k.Append(DocView(bytes)["email"]);
  k.Append(DocView(bytes)["age"]);
  std::string out;
  for (auto _ : state) {
    out.clear();
    DocBuilder b(&out);
    benchmark::DoNotOptimize(storage::DecodeKey(k.key(), k.type_bits(), 2, 0, &b).ok());
    b.Finish();
  }
}
BENCHMARK(DecodeKeyOfTwo);

void WriteJson(benchmark::State& state) {
  const std::string bytes = MakeTestDoc(kAscii);
  for (auto _ : state) {
    benchmark::DoNotOptimize(bson::ToRelaxedJson(DocView(bytes)));
  }
}
BENCHMARK(WriteJson);

void ReadJson(benchmark::State& state) {
  const std::string bytes = MakeTestDoc(kAscii);
  const std::string json = bson::ToCanonicalJson(DocView(bytes));
  for (auto _ : state) {
    benchmark::DoNotOptimize(bson::FromJson(json));
  }
}
BENCHMARK(ReadJson);

}  // namespace
}  // namespace septet
