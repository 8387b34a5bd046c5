// SPDX-License-Identifier: Apache-2.0
// Is the operator table complete? Every row runs on a device that records which primitives are called and on
// which device their tensors are; every function of autograd/ops must have a row.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "autograd/operator_goldens.h"
#include "autograd/operator_table.h"
#include "tensor/cpu/cpu_backend.h"
#include "tensor/io/files.h"
#include "tensor/primitives/backend.h"

namespace cawe {
namespace {

/// A device in host memory that computes by the reference loops and records the calls.
class Spy final : public PrimitiveBackend {
 public:
  std::set<std::string> called;
  std::set<std::string> mixed;  ///< primitives that got a tensor of another device

  const char* name() const override { return "spy"; }
  Layout convolution_layout(DType) const override { return Layout::channels_last; }
  void* allocate(size_t bytes) override { return ::operator new(bytes); }
  void release(void* block, size_t) noexcept override { ::operator delete(block); }
  void copy_between_devices(const Tensor& x, Tensor& y) override {
    std::memcpy(y.raw(), x.raw(), size_t(x.numel()) * size_of(x.dtype()));
  }

#define CAWE_OP(op, parameters, names) \
  void op parameters override {        \
    note(#op) names;                   \
    cpu_reference_backend().op names;  \
  }
#include "tensor/primitives/all.inc"
#undef CAWE_OP

 private:
  struct Note {
    Spy& spy;
    const char* op;
    template <class... Arguments>
    void operator()(const Arguments&... arguments) const {
      spy.called.insert(op);
      (look(arguments), ...);
    }
    void look(const Tensor& t) const {
      if (t.defined() && t.device() != Device::emulated) spy.mixed.insert(op);
    }
    template <class Other>
    void look(const Other&) const {}
  };
  Note note(const char* op) { return {*this, op}; }
};

class Coverage : public ::testing::Test {
 protected:
  void SetUp() override { register_backend(Device::emulated, &spy_); }
  void TearDown() override { register_backend(Device::emulated, nullptr); }
  Spy spy_;
};

Variable moved(const Variable& x, Device to) {
  return record("moved", {x}, x.value().to(to),
                [from = x.device()](const Tensor& dy) -> Grads { return {dy.to(from)}; });
}

OperatorCase on_device(const OperatorCase& plain) {
  OperatorCase c = plain;
  c.call = [plain](const std::vector<Variable>& inputs) {
    std::vector<Variable> there;
    for (const Variable& v : inputs) there.push_back(moved(v, Device::emulated));
    return moved(plain.call(there), Device::cpu);
  };
  return c;
}

void expect_same(const Tensor& a, const Tensor& b, const std::string& where) {
  EXPECT_EQ(a.shape(), b.shape()) << where;
  EXPECT_EQ(a.to_vector<float>(), b.to_vector<float>()) << where;
}

TEST_F(Coverage, RowsCallThePrimitivesThatTheyName) {
  for (const OperatorRow& row : operator_rows()) {
    spy_.called.clear();
    spy_.mixed.clear();
    for (size_t i = 0; i < row.cases.size(); ++i) {
      const CaseResult there = run_case(on_device(row.cases[i]), DType::f32);
      const ReferenceScope plain;
      const CaseResult here = run_case(row.cases[i], DType::f32);
      const std::string where = row.name + " case " + std::to_string(i);
      expect_same(there.y, here.y, where);
      for (size_t g = 0; g < here.gradients.size(); ++g)
        expect_same(there.gradients[g], here.gradients[g], where + " gradient");
    }
    for (const std::string& primitive : row.primitives)
      EXPECT_TRUE(spy_.called.count(primitive)) << row.name << " never calls " << primitive;
    for (const std::string& primitive : spy_.mixed)
      ADD_FAILURE() << row.name << " gave " << primitive << " tensors of two devices";
  }
}

TEST_F(Coverage, PrimitiveRowsCallTheirs) {
  for (const PrimitiveRow& row : primitive_rows()) {
    spy_.called.clear();
    for (int64_t v = 0; v < row.variants; ++v) EXPECT_FALSE(row.run(spy_, v).empty());
    EXPECT_TRUE(spy_.called.count(row.primitive())) << row.name;
  }
}

TEST(CoverageOf, AMissingRowWouldShow) {
  const std::vector<OperatorReport> all = check_operators("no such operator");
  EXPECT_TRUE(all.empty());
  OperatorReport missing;
  missing.name = "new_primitive";
  EXPECT_FALSE(missing.passed());
  EXPECT_NE(operators_text({missing}).find("NOT COVERED"), std::string::npos);
  EXPECT_NE(operators_json({missing}).find("\"covered\":false"), std::string::npos);
}

TEST(CoverageOf, EveryFunctionOfOpsHasARow) {
  std::set<std::string> rows;
  for (const OperatorRow& row : operator_rows()) rows.insert(row.name);
  const std::regex declaration("^Variable ([a-z0-9_]+)\\(");
  int64_t found = 0;
  for (const auto& file : std::filesystem::directory_iterator("autograd/ops")) {
    if (file.path().extension() != ".h") continue;
    std::ifstream in(file.path());
    for (std::string line; std::getline(in, line);) {
      std::smatch match;
      if (!std::regex_search(line, match, declaration)) continue;
      ++found;
      EXPECT_TRUE(rows.count(match[1])) << match[1] << " of " << file.path() << " has no row";
    }
  }
  EXPECT_GT(found, 30) << "run from the source folder";
}

// One number of PyTorch's changed in the fifth digit: the row that it belongs to fails, and says so.
TEST(OperatorTable, AGoldenThatDiffersIsSeen) {
  std::string text = read_file("tests/goldens/operators.txt");
  EXPECT_TRUE(check_operators("sigmoid", "tests/goldens/operators.txt").at(0).passed());
  const size_t at = text.find("\nsigmoid.0.y ");
  ASSERT_NE(at, text.npos);
  const size_t norm = text.find(' ', at + 14) + 1, end = text.find(' ', norm);
  text.replace(norm, end - norm, std::to_string(std::stod(text.substr(norm, end - norm)) * 1.0001));
  const std::string path = ::testing::TempDir() + "cawe_changed_goldens.txt";
  write_file(path, text);
  const OperatorReport changed = check_operators("sigmoid", path).at(0);
  EXPECT_EQ(changed.name, "sigmoid");
  EXPECT_FALSE(changed.passed());
  EXPECT_NE(operators_text({changed}).find("FAILED"), std::string::npos);
  EXPECT_EQ(check_operators("sigmoid", "no such file").at(0).goldens, 0);
  const OperatorGoldens goldens("tests/goldens/operators.txt");
  const Shape shape = run_case(operator_rows().at(0).cases.at(0), DType::f32).y.shape();
  const std::string key = operator_rows().at(0).name + ".0.y";
  EXPECT_TRUE(std::isinf(goldens.difference(key, Tensor::full(shape, std::nan(""))).of_bar));
}

}  // namespace
}  // namespace cawe
