// SPDX-License-Identifier: Apache-2.0
// Decoders that break, hang, or answer what they should not: a shell script in the place of the child.
#include <csignal>
#include <filesystem>

#include "data/jail.h"
#include "data/jail_messages.h"
#include "tests/data/jail_support.h"
#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

/// Films are decoded by a shell script while it lives. It is greeted for, then runs `script`, in which $1 is the
/// number of bytes of a request for `film`, and descriptor 3 the parent.
struct Scripted {
  Scripted(const std::string& film, const std::string& script, char greeting = 'f') {
    const std::string head = jail::request_head(jail::Ask::film, film.size(), "film", {}).bytes();
    path = folder.file("decoder",
                       "#!/bin/sh\nset -- " + std::to_string(sizeof(uint64_t) + head.size() + film.size()) +
                           "\nprintf '\\001\\0\\0\\0\\0\\0\\0\\0" + greeting + "' >&3\n" + script + "\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    decode_in_jail(path);
  }
  ~Scripted() { decode_in_jail(""); }
  testing::TempDir folder;
  std::string path;
};

std::string framed(const std::string& message) {
  const uint64_t size = message.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + message;
}

std::string good_answer() {
  Film film;
  film.image = FloatImage(2, 3, 1);
  film.tags.patient_id = "scripted";
  jail::Message m;
  m.number(jail::Answer::done);
  jail::put(&m, film);
  return m.bytes();
}

TEST(BrokenDecoder, AChildThatDiesRejectsOneFilmAlone) {
  const std::string film = phantom();
  {
    const Scripted script(film, "head -c $1 <&3 >/dev/null; kill -9 $$");
    try {
      film_of(film, "film");
      FAIL();
    } catch (const PictureError& error) {
      EXPECT_EQ(error.kind(), "decoder_failed");
      EXPECT_EQ(std::string(error.what()).rfind("film: its decoder was ended by signal 9", 0), 0u)
          << error.what();
    }
  }
  const Jailed jailed;
  EXPECT_EQ(film_of(film, "film").tags.patient_id, "p00000");
}

TEST(BrokenDecoder, AChildThatReadsNothingIsNoFaultOfTheFilm) {
  const std::string film = phantom();
  const Scripted script(film, "exit 3");
  testing::expect_error(Code::internal, {"decoder: ended with status 3 before it had read a film"},
                        [&] { film_of(film, "film"); });
  decode_in_jail(script.path + "-that-is-not-there");
  testing::expect_error(Code::internal, {"cannot be started for decoding: No such file"},
                        [&] { film_of(film, "film"); });
}

TEST(BrokenDecoder, AChildThatHangsIsEnded) {
  const std::string film = phantom();
  const Scripted script(film, "exec sleep 60");
  testing::expect_error(Code::data, {"film: its decoder took too long (of at most 10 s"},
                        [&] { film_of(film, "film"); });
  EXPECT_TRUE(children().empty());
}

// As Ctrl-Z stops a whole command: its time goes on, and no film is to blame.
TEST(BrokenDecoder, TimeInWhichTheParentIsStoppedIsNotTheFilms) {
  const std::string film = phantom();
  const Scripted script(film,
                        "head -c $1 <&3 >/dev/null; kill -STOP $PPID; sleep 11; kill -CONT $PPID; sleep 1; "
                        "cat \"$(dirname $0)/answer\" >&3; exec cat <&3 >/dev/null");
  script.folder.file("answer", framed(good_answer()));
  EXPECT_EQ(kind_of([&] { EXPECT_EQ(film_of(film, "film").tags.patient_id, "scripted"); }), "no error");
}

TEST(BrokenDecoder, OnlyAWholeAnswerAndNothingElseIsTaken) {
  const std::string film = phantom(), good = good_answer();
  const auto answers = [&](const std::string& bytes) {
    Scripted script(film,
                    "head -c $1 <&3 >/dev/null; cat \"$(dirname $0)/answer\" >&3; exec cat <&3 >/dev/null");
    script.folder.file("answer", bytes);
    const std::string kind = kind_of([&] { EXPECT_EQ(film_of(film, "film").tags.patient_id, "scripted"); });
    const bool kept = !children().empty();
    const std::string again = kind_of([&] { film_of(film, "film"); });
    EXPECT_EQ(again, kind) << "the next film does not get what is left of the first";
    return kind + (kept ? ", kept" : "");
  };
  EXPECT_EQ(answers(framed(good) + "left over"), "no error, kept") << "its second film goes to a new child";
  EXPECT_EQ(answers(framed(good + "x")), "decoder_failed");
  EXPECT_EQ(answers(framed(good.substr(0, good.size() - 1))), "decoder_failed");
  EXPECT_EQ(answers(framed("")), "decoder_failed");
  EXPECT_EQ(answers(framed("\x4d")), "decoder_failed") << "an answer of no kind";
  const uint64_t huge = jail::kMostAnswer + 1;
  Scripted script(film,
                  "head -c $1 <&3 >/dev/null; cat \"$(dirname $0)/answer\" >&3; exec cat <&3 >/dev/null");
  script.folder.file("answer", {reinterpret_cast<const char*>(&huge), sizeof huge});
  testing::expect_error(Code::data, {"film: its decoder gave an answer of 1074790401 bytes"},
                        [&] { film_of(film, "film"); });
}

#ifdef CAWE_HAVE_SECCOMP  // elsewhere the tests before this one were warned
TEST(BrokenDecoder, WarnsOnceOfASystemWithoutFilters) {
  const std::string film = phantom(), text = "no system-call filter";
  const Scripted script(film, "head -c $1 <&3 >/dev/null", '-');
  static std::string said;  // in this process, however often the test is repeated
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(kind_of([&] { film_of(film, "film"); }), "decoder_failed");
  said += ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find(text), std::string::npos) << said;
  EXPECT_EQ(said.find(text), said.rfind(text)) << said;
}
#endif

}  // namespace
}  // namespace cawe::data
