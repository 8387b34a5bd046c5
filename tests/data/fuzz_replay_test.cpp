// SPDX-License-Identifier: Apache-2.0
// Runs every corpus through its fuzz target, so that what fuzzing found once stays found.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "data/formats/table/csv.h"
#include "tensor/io/files.h"

#define LLVMFuzzerTestOneInput fuzz_csv
#include "tests/fuzz/csv.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_label_csv
#include "tests/fuzz/label_csv.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_voc
#include "tests/fuzz/voc.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_coco
#include "tests/fuzz/coco.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_dicom
#include "tests/fuzz/dicom.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_film
#include "tests/fuzz/film.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_png
#include "tests/fuzz/png.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_jpeg
#include "tests/fuzz/jpeg.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_bmp
#include "tests/fuzz/bmp.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_pnm
#include "tests/fuzz/pnm.cpp"
#undef LLVMFuzzerTestOneInput

namespace {

void replay(const std::string& name, int (*target)(const uint8_t*, size_t)) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator("tests/fuzz/corpus/" + name)) {
    const std::string text = cawe::read_file(entry.path().string(), 1 << 20);
    EXPECT_EQ(target(reinterpret_cast<const uint8_t*>(text.data()), text.size()), 0) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 0);
}

TEST(FuzzReplay, Csv) { replay("csv", fuzz_csv); }
TEST(FuzzReplay, LabelCsv) { replay("label_csv", fuzz_label_csv); }
TEST(FuzzReplay, Voc) { replay("voc", fuzz_voc); }
TEST(FuzzReplay, Coco) { replay("coco", fuzz_coco); }
TEST(FuzzReplay, Dicom) { replay("dicom", fuzz_dicom); }
TEST(FuzzReplay, Film) { replay("film", fuzz_film); }
TEST(FuzzReplay, Png) { replay("png", fuzz_png); }
TEST(FuzzReplay, Jpeg) { replay("jpeg", fuzz_jpeg); }
TEST(FuzzReplay, Bmp) { replay("bmp", fuzz_bmp); }
TEST(FuzzReplay, Pnm) { replay("pnm", fuzz_pnm); }

}  // namespace
