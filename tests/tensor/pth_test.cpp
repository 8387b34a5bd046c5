// SPDX-License-Identifier: Apache-2.0
// PyTorch's files, read against what PyTorch says they hold; hostile and damaged ones.
#include "tensor/io/pth.h"

#include <gtest/gtest.h>

#include "tensor/io/files.h"
#include "tensor/io/pickle.h"
#include "tensor/io/state_dictionary.h"
#include "tensor/io/weights_file.h"
#include "tests/tensor/io_support.h"

namespace cawe {
namespace {

using testing::expect_error;
const std::string kFolder = "tests/goldens/weights/";

NamedTensors load_pth(const std::string& path) { return parse_pth(read_file(path), path); }

void expect_goldens(const std::string& file, const std::string& part = "") {
  SCOPED_TRACE(file);
  const auto expected = testing::goldens().at(file + (part.empty() ? "" : ":" + part));
  const NamedTensors tensors = read_pth(read_file(kFolder + file), kFolder + file, part).tensors;
  EXPECT_EQ(tensors.size(), expected.size());
  for (const auto& [name, golden] : expected) {
    ASSERT_EQ(tensors.count(name), 1u) << name;
    testing::expect_golden(tensors.at(name), golden, name);
  }
}

TEST(Pth, ReadsZipFiles) {
  expect_goldens("zip.pth");
  expect_goldens("protocol4.pth");
}

TEST(Pth, ReadsLegacyFiles) { expect_goldens("legacy.pth"); }

TEST(Pth, OpensTheWrapperBesideATensor) {
  expect_goldens("training_legacy.pth");
  expect_goldens("training.pth");
}

TEST(Pth, WhatStandsBesideTheWeightsIsSkippedAndListed) {
  // torchvision's reference scripts, and every kind of value that people keep there: as torch.load has them.
  for (const char* file : {"reference.pth", "reference4.pth", "reference_legacy.pth"}) expect_goldens(file);
  const std::string path = kFolder + "reference.pth";
  const PthFile file = read_pth(read_file(path), path);
  EXPECT_EQ(file.part, "model");
  EXPECT_EQ(file.parts, (std::vector<std::string>{"model", "model_ema"}));
  const std::vector<std::string> skipped{"optimizer (dictionary)",
                                         "lr_scheduler (dictionary)",
                                         "epoch (value)",
                                         "args (argparse.Namespace)",
                                         "scaler (dictionary)",
                                         "model_ema (tensors by name)",
                                         "best (numpy._core.multiarray.scalar)",
                                         "counts (collections.Counter)",
                                         "mine (weight_files.Subclass)",
                                         "complex (torch.ComplexFloatStorage)",
                                         "quantized (torch._utils._rebuild_qtensor)"};
  EXPECT_EQ(file.skipped, skipped);
  EXPECT_NE(file.note().find("weights of \"model\", beside \"model_ema\" (`cawe convert"), std::string::npos)
      << file.note();
  EXPECT_EQ(read_pth(read_file(kFolder + "zip.pth"), "zip").note(), "");
  EXPECT_EQ(read_pth(read_file(kFolder + "default.pth"), "default").note(), "")
      << "a wrapper alone says nothing";
}

TEST(Pth, AnotherPartCanBeNamed) {
  expect_goldens("reference.pth", "model_ema");
  const auto part_of = [](const std::string& file, const std::string& part) {
    return read_pth(read_file(kFolder + file), file, part).tensors.at("w").item();
  };
  EXPECT_EQ(part_of("bad_two_parts.pth", "student"), 0);
  EXPECT_EQ(part_of("bad_two_parts.pth", "teacher"), 1);
  expect_error("usage", "holds no tensors by name under \"optimizer\" (expected student, teacher)",
               [&] { part_of("bad_two_parts.pth", "optimizer"); });
  expect_error("data", "holds several parts with tensors by name: student, teacher (`cawe convert",
               [&] { part_of("bad_two_parts.pth", ""); });
}

TEST(Pth, TensorsOfAClassAndDefaultDictionariesAreRead) {
  expect_goldens("kinds.pth");
  expect_goldens("default.pth");
}

TEST(Pth, WeightsThatOnlyPyTorchCouldBuildAreRefusedByName) {
  const std::pair<const char*, const char*> cases[] = {
      {"bad_quantized.pth", ": w is made by torch._utils._rebuild_qtensor, which is no plain tensor"},
      {"bad_sparse.pth", ": w is made by torch._utils._rebuild_sparse_tensor, which is no plain tensor"},
      {"bad_complex.pth", ": w is made by torch.ComplexFloatStorage, which is no plain tensor"},
      {"bad_subclass.pth", ": \"model\" is an object of weight_files.Subclass, which only its own code"},
      {"bad_module.pth", ": holds an object of torch.nn.modules.linear.Linear, which only its own code"}};
  for (const auto& [file, message] : cases)
    expect_error("data", message, [&, name = file] { load_pth(kFolder + name); });
}

TEST(Pth, SharedStoragesAreNotSharedAfterwards) {
  const NamedTensors tensors = load_pth(kFolder + "legacy.pth");
  EXPECT_NE(tensors.at("shared.whole").storage().id(), tensors.at("shared.rows").storage().id());
}

TEST(Pth, WeightFilesAreKnownByContent) {
  const testing::TemporaryFolder folder;
  const auto copied = [&](const std::string& from, const std::string& to) {
    write_file(folder / to, read_file(kFolder + from));
    return load_weight_file(folder / to).size();
  };
  const auto expected = testing::goldens();
  EXPECT_EQ(copied("torch.safetensors", "a.pth"), expected.at("torch.safetensors").size());
  EXPECT_EQ(copied("legacy.pth", "a.safetensors"), expected.at("legacy.pth").size());
  write_file(folder / "text", "weights");
  expect_error("data", "neither a zip nor a legacy file of torch.save (expected .pth or .safetensors)",
               [&] { load_weight_file(folder / "text"); });
  EXPECT_EQ(copied("zip.pth", "a.bin"), expected.at("zip.pth").size());
}

TEST(Pth, AHostilePickleIsRefusedByName) {
  const auto refused = [](const std::string& file, const std::string& global) {
    SCOPED_TRACE(file);
    expect_error("data", kFolder + file + ": pickle byte ", [&] { load_pth(kFolder + file); });
    expect_error("data",
                 "it names " + global + ", which no file of weights needs and which could run something",
                 [&] { load_pth(kFolder + file); });
  };
  refused("bad_hostile_legacy.pth", "posix.system");
  EXPECT_FALSE(std::filesystem::exists("cawe_hostile_pickle_was_here"));
  refused("bad_hostile.pth", "posix.system");
  EXPECT_FALSE(std::filesystem::exists("cawe_hostile_pickle_was_here"));
}

TEST(Pth, BadZipFilesAreNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"bad_tensor.pth", "holds no dictionary (expected a state dictionary"},
      {"bad_no_tensors.pth", "holds no tensors by name"},
      {"bad_expanded.pth", "w: its tensors take over four times the file's bytes"},
      {"bad_compressed.pth", "is compressed (expected torch.save's own form)"},
      {"bad_byteorder.pth", "byte order big (expected little"},
      {"bad_no_storage.pth", "the zip has no part \"data/0\""},
      {"bad_short_storage.pth", "storage \"0\" has 12 bytes (expected 4 elements of 4)"},
      {"bad_no_pickle.pth", "the zip has no data.pkl"},
  };
  for (const auto& [file, message] : cases)
    expect_error("data", message, [&, name = file] { load_pth(kFolder + name); });
}

TEST(Pth, ADamagedZipFailsItsChecksum) {
  const std::string whole = read_file(kFolder + "zip.pth");
  // 1.5 and 2.5, the values of "expanded", stand together once.
  const size_t at = whole.find(std::string("\0\0\xc0\x3f\0\0\x20\x40", 8));
  ASSERT_NE(at, std::string::npos);
  std::string damaged = whole;
  damaged[at + 3] = char(damaged[at + 3] ^ 1);
  expect_error("data", "is damaged (CRC error)", [&] { parse_pth(damaged, "f"); });
  for (size_t size = 0; size < whole.size(); size += 97)
    expect_error("data", "f: ", [&] { parse_pth(whole.substr(0, size), "f"); });
}

TEST(Pth, ACutOffLegacyFileIsNamed) {
  const std::string whole = read_file(kFolder + "legacy.pth");
  for (size_t size = 0; size < whole.size(); ++size)
    expect_error("data", "f: ", [&] { parse_pth(whole.substr(0, size), "f"); });
  expect_error("data", "1 bytes behind the last storage", [&] { parse_pth(whole + "x", "f"); });
}

TEST(Pth, ATarFileSaysWhatToDo) {
  std::string tar(512, '\0');
  tar.replace(257, 5, "ustar");
  expect_error("data", "a tar file of PyTorch before 0.1.10", [&] { parse_pth(tar, "f"); });
}

// --- The pickle machine ---

std::string refusal(const std::string& bytes) {
  return testing::message_of([&] {
    size_t at = 0;
    pickle::read(bytes.data(), bytes.size(), &at, "f");
  });
}

TEST(Pickle, CyclesAndDepthCostNothing) {
  EXPECT_EQ(refusal(std::string("\x80\x02]q\x00h\x00\x61.", 9)), "no error");
  EXPECT_EQ(refusal("\x80\x02)" + std::string(900000, '\x85') + "."), "no error");
  EXPECT_NE(refusal("\x80\x02)" + std::string(1100000, '\x85') + ".").find("more than 1000000 values"),
            std::string::npos);
}

TEST(Pickle, UnknownObjectsSwallowWhatTheyAreGiven) {
  // A class called, filled as a list, a set and a dictionary, given attributes, and called again.
  EXPECT_EQ(refusal("cmine\nThing\n)\x81(NNeNa(NNuNNs(N\x90}b)R."), "no error");
  EXPECT_EQ(refusal("cfunctools\npartial\n."), "no error");
  EXPECT_EQ(refusal("cbuiltins\nset\n]\x85R."), "no error");
  EXPECT_EQ(refusal("cmine\nThing\n" + std::string(400000, ')') + "."),
            "data: f: pickle byte 400012: values are left over");
  // A tensor of a class of a tensor of a class …: refused at the first step, however deep.
  const std::string typed = "ctorch._tensor\n_rebuild_from_type_v2\n";
  EXPECT_NE(refusal(typed + "(" + typed + "N)tR.").find("without its arguments"), std::string::npos);
}

TEST(Pickle, ManyStepsOverOneValueEnd) {
  std::string bytes("Nq\0", 3);
  for (int i = 0; i < 8000001; ++i) bytes.append("h\0", 2);
  EXPECT_NE(refusal(bytes + ".").find("which no state dictionary needs"), std::string::npos);
}

TEST(Pickle, WhatIsWrongIsNamedWithItsPlace) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "pickle byte 0: the file ends inside the pickle"},
      {"\x80\x09.", "pickle byte 0: an unknown pickle protocol"},
      {"\x80\x02.", "pickle byte 2: a value is missing"},
      {"NN.", "pickle byte 2: values are left over"},
      {"i", "pickle byte 0: operation 0x69, which no state dictionary needs"},
      {"t.", "a mark is missing"},
      {"((.", "a value is missing"},
      {"}(Nu.", "a key without its value"},
      {"]NNs.", "what stands below is no dictionary"},
      {"}Na.", "what stands below is no list"},
      {"]Nb.", "what stands below is no dictionary"},
      {"h\x05.", "nothing was remembered as 5"},
      {"X\xff\xff\xff\x7f.", "a string of 2147483647 bytes"},
      {"X\x05\1\1\1.", "a string of"},
      {"N)R.", "a call of something that is no function"},
      {"NQ.", "a persistent object that is no storage"},
      {"cos\nsystem\n.", "it names os.system, which"},
      {"c__builtin__\neval\n.", "it names __builtin__.eval, which"},
      {"cos.\x01\tb\nc\x7f\n.", "it names os.\\x01 b.c\\x7f, which"},
      {"cbuiltins\ngetattr\n.", "it names builtins.getattr, which"},
      {"cfunctools\nreduce\n.", "it names functools.reduce, which"},
      {"Nca\nb\n)R)R", "pickle byte 10: the file ends inside the pickle"},
      {"ca\nb\nNR.", "a call of something that is no function"},
      {"ca\nb\n)}U\x01kNs\x92.", "a call with named arguments"},
      {"N(\x90.", "what stands below is no set"},
      {"ctorch._tensor\n_rebuild_from_type_v2\n)R.", "a tensor of a class without its arguments"},
      {"ctorch\nFloatStorage\n)R.", "a call of torch.FloatStorage"},
      {"ccollections\nOrderedDict\n(]tR.", "an OrderedDict with arguments"},
      {"ctorch._utils\n_rebuild_tensor_v2\n)R.", "a tensor without a storage"},
      {"ctorch._utils\n_rebuild_parameter\n)R.", "a parameter without a tensor"},
  };
  for (const auto& [bytes, message] : cases) {
    const std::string said = refusal(bytes);
    EXPECT_EQ(said.find("data: f: pickle byte "), 0u) << said;
    EXPECT_NE(said.find(message), std::string::npos) << said;
  }
}

// --- Which dictionary holds the weights ---

/// Entries of dictionaries that are looked at to choose from this pickle; negative where it is refused.
int64_t looked_at(const std::string& bytes) {
  size_t at = 0, count = 0;
  const pickle::Document document = pickle::read(bytes.data(), bytes.size(), &at, "f");
  PthFile file;
  try {
    pickle::state_dictionary(*document.root, "", "f", &file, &count);
  } catch (const Error&) {
    return -1;
  }
  return int64_t(count);
}

TEST(StateDictionary, WhatIsNamedAgainAndAgainIsLookedAtOnce) {
  const std::string storage =
      "(U\x07storagectorch\nFloatStorage\nU\x01kU\x03"
      "cpuK\x04NtQ";
  const std::string tensor =
      "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + std::string("K\0", 2) + "K\x04\x85K\x01\x85\x89}tR";
  const auto name = [](int i) {
    char text[16];
    std::snprintf(text, sizeof text, "U\x06n%05d", i);
    return std::string(text);
  };
  const int many = 2000;
  // The root's first entry is the weights; 2000 others are all one dictionary of 2000 entries: in itself, and under
  // "model" of dictionaries that differ.
  std::string large = "}q\x01(";
  for (int i = 0; i < many; ++i) large += name(i) + "N";
  large += "u";
  for (const bool wrapped : {false, true}) {
    std::string file = "\x80\x02}(U\x05large" + large + "U\x05model}U\x01w" + tensor + "s";
    for (int i = 0; i < many; ++i) file += name(i) + (wrapped ? "}U\x05modelh\x01s" : "h\x01");
    const int64_t count = looked_at(file + "u.");
    EXPECT_GT(count, 2 * many) << "the root and the large one";
    EXPECT_LE(count, 4 * many) << "as many as the file holds, not their product";
  }
  // One key of a megabyte, named 2000 times: one entry.
  std::string file =
      "\x80\x02}(U\x01w" + tensor + "X" + std::string("\0\0\x10\0", 4) + std::string(1 << 20, 'k') + "q\x02";
  file += "N";
  for (int i = 0; i < many; ++i) file += "h\x02N";
  file += "u.";
  size_t at = 0;
  const pickle::Document document = pickle::read(file.data(), file.size(), &at, "f");
  PthFile out;
  EXPECT_EQ(pickle::state_dictionary(*document.root, "", "f", &out).size(), 1u);
  EXPECT_EQ(out.skipped.size(), 1u);
}

/// A legacy file with one tensor of these sizes over a storage of 4 floats.
std::string legacy_file(const std::string& offset, const std::string& shape, const std::string& strides) {
  return std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15) + "\x80\x02M\xe9\x03." +
         "\x80\x02}X\x0d" + std::string(3, '\0') + "little_endian\x88s." +
         "\x80\x02}U\x01wctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x01kU\x03" +
         "cpuK\x04NtQ" + offset + shape + strides + "\x89}tRs." + "\x80\x02]U\x01ka." +
         std::string("\x04\0\0\0\0\0\0\0", 8) + std::string(16, '\0');
}

TEST(Pth, TensorsStayInsideTheirStorage) {
  const std::string k0("K\0", 2), none = ")";
  const auto one = [](char a) { return std::string("K") + a + "\x85"; };
  const auto two = [](char a, char b) { return std::string("K") + a + "K" + b + "\x86"; };
  const auto read = [](const std::string& bytes) {
    return testing::message_of([&] { parse_pth(bytes, "f"); });
  };
  EXPECT_EQ(read(legacy_file(k0, one(4), one(1))), "no error");
  EXPECT_EQ(read(legacy_file("K\x03", none, none)), "no error");
  EXPECT_EQ(read(legacy_file(k0, two(2, 2), two(1, 2))), "no error");
  EXPECT_EQ(read(legacy_file(k0, two(100, 4), two(0, 1))), "no error");
  EXPECT_EQ(read(legacy_file("K\x09", two(0, 4), two(1, 1))), "no error") << "empty tensors touch nothing";
  // What torch.save says of a view by torch._neg_view: its values are to be negated when they are read.
  std::string negated = legacy_file(k0, one(4), one(1));
  negated.replace(negated.find("\x89}tR"), 4, "\x89}}U\x03neg\x88stR");
  EXPECT_NE(read(negated).find("to be negated"), std::string::npos) << read(negated);
  const std::string outside = "data: f: w: reaches behind its storage of 4 elements";
  EXPECT_EQ(read(legacy_file(k0, one(5), one(1))), outside);
  EXPECT_EQ(read(legacy_file("K\x01", one(4), one(1))), outside);
  EXPECT_EQ(read(legacy_file("K\x04", none, none)), outside);
  EXPECT_EQ(read(legacy_file(k0, two(2, 2), two(3, 1))), outside);
  EXPECT_EQ(read(legacy_file("J\xff\xff\xff\x7f", none, none)), outside);
  const std::string big = "\x8a\x08" + std::string(7, '\xff') + "\x7f";  // 2^63 - 1
  EXPECT_EQ(read(legacy_file(big, one(2), one(1))), outside);
  EXPECT_EQ(read(legacy_file(k0, one(2), big + "\x85")), outside);
  EXPECT_EQ(read(legacy_file(k0, one(3), big + "\x85")), outside) << "2 (2^63 - 1) wraps round to -2";
  EXPECT_NE(read(legacy_file(k0, big + "\x85", one(1))).find("w: its tensors take over four times"),
            std::string::npos);
  EXPECT_NE(read(legacy_file(k0, big + big + "\x86", two(0, 0))).find("w: its tensors take over four times"),
            std::string::npos);
  EXPECT_NE(read(legacy_file("J\xff\xff\xff\xff", none, none)).find("sizes, strides and offset do not fit"),
            std::string::npos);
  EXPECT_NE(read(legacy_file(k0, one(1), none)).find("sizes, strides and offset do not fit"),
            std::string::npos);
}

}  // namespace
}  // namespace cawe
