// SPDX-License-Identifier: Apache-2.0
// Films decoded in children: the same answers, and nothing that a child does reaches this process.
#include "data/jail.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>
#include <thread>
#include <vector>

#include "data/decode.h"
#include "data/formats/picture/png.h"
#include "data/jail_messages.h"
#include "data/phantom/chest.h"
#include "tensor/io/files.h"
#include "tensor/parallel.h"
#include "tests/data/formats/dicom/dicom_bytes.h"

namespace cawe::data {
namespace {

/// Jailed while it lives.
struct Jailed {
  Jailed() { decode_in_jail(CAWE_PROGRAM); }
  ~Jailed() { decode_in_jail(""); }
};

std::string phantom() {
  const std::string dir = ::testing::TempDir() + "jail-" + std::to_string(::getpid());
  const std::string remove = "rm -rf '" + dir + "'";
  EXPECT_EQ(std::system(remove.c_str()), 0);
  PhantomOptions options;
  options.out = dir;
  options.images = 1;
  options.chest.size = 64;
  write_phantoms(options);
  const std::string bytes = read_file(dir + "/images/p00000_0.dcm");
  EXPECT_EQ(std::system(remove.c_str()), 0);
  return bytes;
}

/// Processes whose parent this one is.
std::vector<pid_t> children() {
  std::vector<pid_t> found;
  DIR* folder = ::opendir("/proc");
  while (const dirent* entry = ::readdir(folder)) {
    std::ifstream stat(std::string("/proc/") + entry->d_name + "/stat");
    std::string number, name, state, parent;
    stat >> number >> name >> state >> parent;
    if (parent == std::to_string(::getpid())) found.push_back(pid_t(std::atoi(number.c_str())));
  }
  ::closedir(folder);
  return found;
}

std::string kind_of(const std::function<void()>& fn) {
  try {
    fn();
  } catch (const PictureError& error) {
    return error.kind();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Jail, GivesWhatThisProcessWouldGive) {
  const std::string film = phantom();
  const Film here = parse_film(film, "film");
  const Picture stored = parse_picture(film, "film");
  const Jailed jailed;
  const Film there = film_of(film, "film");
  EXPECT_EQ(there.image.width, here.image.width);
  EXPECT_EQ(there.image.pixels, here.image.pixels);
  EXPECT_EQ(there.tags.patient_id, "p00000");
  EXPECT_EQ(there.tags.bits, here.tags.bits);
  const Picture picture = picture_of(film, "film");
  EXPECT_EQ(picture.bytes, stored.bytes);
  EXPECT_EQ(picture.photometric, stored.photometric);
  EXPECT_EQ(picture.transfer_syntax, stored.transfer_syntax);
  EXPECT_EQ(decode_film(film, "film").image.pixels, here.image.pixels) << "decode.h goes this way, too";
}

TEST(Jail, KnowsTheCharacterSets) {
  // Tables that the system's library opens when they are first needed: a child cannot open them any more.
  const auto film = [](const std::string& set, const std::string& id) {
    dicom_bytes::Writer w(dicom_bytes::Encoding::explicit_little);
    w.text(8, 5, "CS", set).text(0x10, 0x20, "LO", id);
    return dicom_bytes::file(put(w, dicom_bytes::Shape()).text(0x7FE0, 0x10, "OB", std::string(12, 'p')));
  };
  const Jailed jailed;
  EXPECT_EQ(film_of(film("ISO_IR 100", "M\xfcller"), "latin").tags.patient_id, "M\xc3\xbcller");
  EXPECT_EQ(film_of(film("ISO_IR 144", "\xb8"), "cyrillic").tags.patient_id, "\xd0\x98");
  EXPECT_EQ(film_of(film("\\ISO 2022 IR 87", "\x1b$B;3ED\x1b(B"), "japanese").tags.patient_id,
            "\xe5\xb1\xb1\xe7\x94\xb0");
}

TEST(Jail, HandsErrorsOn) {
  const std::string film = phantom();
  const Jailed jailed;
  EXPECT_EQ(kind_of([&] { film_of(film.substr(0, film.size() / 2), "half"); }), "truncated_pixel_data");
  EXPECT_EQ(kind_of([] { picture_of("nothing", "x"); }), "unknown_format");
  try {
    picture_of("nothing", "some/film.png");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find("some/film.png: "), 0u) << error.what();
  }
}

TEST(Jail, AChildThatDiesRejectsOneFilmAlone) {
  const std::string film = phantom();
  const Jailed jailed;
  film_of(film, "film");
  const std::vector<pid_t> before = children();
  ASSERT_EQ(before.size(), 1u);
  ::kill(
      before[0],
      SIGSTOP);  // it cannot answer before it is killed, as a crash would end it: while it is asked, or before
  std::thread killer([&] { ::kill(before[0], SIGKILL); });
  EXPECT_EQ(kind_of([&] { film_of(film, "film"); }), "decoder_failed");
  killer.join();
  EXPECT_EQ(film_of(film, "film").tags.patient_id, "p00000") << "the next film gets a new child";
  EXPECT_NE(children().at(0), before[0]);
}

TEST(Jail, ChildrenEndWithTheJail) {
  {
    const Jailed jailed;
    film_of(phantom(), "film");
    EXPECT_EQ(children().size(), 1u);
  }
  EXPECT_TRUE(children().empty());
}

TEST(Jail, AChildCanDoNothingButCompute) {
  const Jailed jailed;
  film_of(phantom(), "film");
  const std::string proc = "/proc/" + std::to_string(children().at(0));
  const auto text_of = [](const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string status = text_of(proc + "/status"), limits = text_of(proc + "/limits");
#ifdef CAWE_HAVE_SECCOMP
  EXPECT_NE(status.find("Seccomp:\t2\n"), std::string::npos) << "no filter of system calls\n" << status;
  EXPECT_NE(status.find("NoNewPrivs:\t1\n"), std::string::npos) << status;
#endif
  const auto limit = [&](const std::string& name) {
    const size_t at = limits.find(name);
    return at == std::string::npos ? "none" : limits.substr(at + 26, limits.find(' ', at + 26) - at - 26);
  };
  EXPECT_EQ(limit("Max address space"), std::to_string(kDecodeBytes)) << limits;
  EXPECT_EQ(limit("Max file size"), "0") << limits;
  EXPECT_EQ(limit("Max core file size"), "0") << limits;
}

TEST(Jail, ServesManyThreads) {
  const std::string film = phantom();
  const Jailed jailed;
  std::atomic<int> good{0};
  parallel_tasks(32, [&](int64_t) { good += film_of(film, "film").image.width == 64; });
  EXPECT_EQ(good, 32);
}

TEST(JailMessages, AnswersAreReadAsAStrangersFile) {
  Film film;
  film.image = FloatImage(2, 3, 1);
  jail::Message m;
  jail::put(&m, film);
  const std::string good = m.bytes();
  jail::Reader whole(good);
  EXPECT_EQ(jail::get_film(&whole).image.height, 3);
  for (size_t length = 0; length < good.size(); ++length) {
    const std::string cut = good.substr(0, length);
    jail::Reader reader(cut);
    EXPECT_THROW(jail::get_film(&reader), Error) << length;
  }
  film.image.pixels[0] = std::numeric_limits<float>::quiet_NaN();
  jail::Message bad;
  jail::put(&bad, film);
  jail::Reader reader(bad.bytes());
  EXPECT_THROW(jail::get_film(&reader), Error) << "a gray value that is no number";
  Picture picture;
  picture.rows = 1 << 20;
  picture.columns = 1 << 20;
  jail::Message huge;
  jail::put(&huge, picture);
  jail::Reader other(huge.bytes());
  EXPECT_THROW(jail::get_picture(&other), Error) << "a size without the bytes";
}

}  // namespace
}  // namespace cawe::data
