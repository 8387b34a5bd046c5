// SPDX-License-Identifier: Apache-2.0
// A folder of files that are evaluated, and what is said of bad ones.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "eval/evaluate.h"
#include "tensor/error.h"
#include "tests/eval/golden_example.h"

namespace cawe::eval {

namespace fs = std::filesystem;

class EvaluatedFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    dir_ = fs::temp_directory_path() / ("cawe_evaluate_" + std::to_string(::getpid()) + info->name());
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(dir_ / name) << text;
    return (dir_ / name).string();
  }
  /// The message of the data error that reading gives; "" where there is none.
  std::string error_of(const std::string& truth, const std::string& detections,
                       const std::string& patients = "") {
    try {
      evaluate_files({detections, truth, patients}, quick());
    } catch (const Error& error) {
      EXPECT_EQ(exit_code(error.code()), error.code() == Code::usage ? 2 : 3) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.what();
    }
    return "";
  }
  static EvaluateOptions quick() {
    EvaluateOptions options;
    options.draws = 100;
    return options;
  }
  std::string golden_csv() {
    return write("truth.csv",
                 "patientId,x,y,width,height,Target\r\nA,0,0,10,10,1\r\nA,20,0,10,10,1\r\nB,0,0,20,20,1\r\n"
                 "B,0,0,20,20,1\r\nC,5,5,10,10,1\r\nD,,,,,0\r\n");
  }
  std::string golden_detections_csv() {
    return write(
        "detections.csv",
        "image,patient,x,y,width,height,score,label\nA.dcm,P1,0,0,10,10,.95,lesion\nD,P3,0,0,8,8,.9,lesion\n"
        "A,P1,0,0,10,9,.85,lesion\nB,P1,0,0,20,10,.8,lesion\nfolder/C.png,P2,9,9,10,10,.7,lesion\n"
        "A,P1,21,0,10,10,.6,lesion\nD,P3,30,30,10,10,.5,lesion\nB,P1,4,4,12,12,.4,lesion\n"
        "folder/C,P2,5,6,10,10,.3,lesion\n");
  }
  std::string golden_patients() {
    return write("patients.csv", "image,patient\nA,P1\nB,P1\nC,P2\nD,P3\nZ,P9\n");
  }
  fs::path dir_;
};

}  // namespace cawe::eval
