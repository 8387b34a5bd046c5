// SPDX-License-Identifier: Apache-2.0
// Films decoded in children: the same answers, and nothing that a child does reaches this process.
#include "data/jail.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <limits>
#include <map>
#include <thread>
#include <vector>

#include "data/decode.h"
#include "data/formats/picture/png.h"
#include "data/jail_messages.h"
#include "tensor/parallel.h"
#include "tests/data/formats/dicom/dicom_bytes.h"
#include "tests/data/jail_support.h"
#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

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

TEST(Jail, OriginsComeWithTheFilm) {
  // What an enhanced film takes over is read where the film is decoded: nothing of it is left to this process.
  const std::string film = phantom();
  const ReadOptions options{false, false, true};
  const DicomOrigin here = parse_film(film, "film", options).origin;
  const Jailed jailed;
  const DecodedFilm there = decode_film(film, "film", options);
  EXPECT_FALSE(here.patient.empty());
  EXPECT_EQ(there.origin.patient_id, "p00000");
  DerivedImage image;
  image.width = image.height = 1;
  image.values = {7};
  for (const Identity identity : {Identity::keep, Identity::hash})
    EXPECT_EQ(derived_dicom(there.origin, image, identity), derived_dicom(here, image, identity));
  EXPECT_TRUE(decode_film(film, "film").origin.patient.empty()) << "nobody asked for it";
}

TEST(Jail, AnIdleChildThatDiedSaysNothingOfTheNextFilm) {
  const std::string film = phantom();
  const Jailed jailed;
  film_of(film, "film");
  const std::vector<pid_t> before = children();
  ASSERT_EQ(before.size(), 1u);
  ::kill(before[0], SIGKILL);
  EXPECT_EQ(film_of(film, "film").tags.patient_id, "p00000") << "it is gone already, or is going";
  ASSERT_EQ(children().size(), 1u);
  EXPECT_NE(children()[0], before[0]);
  // Gone while it is asked, before it reads: it is stopped, so that it takes nothing.
  const pid_t second = children()[0];
  ::kill(second, SIGSTOP);
  std::thread killer([&] { ::kill(second, SIGKILL); });
  EXPECT_EQ(film_of(film, "film").tags.patient_id, "p00000");
  killer.join();
}

TEST(Jail, AChildOutlivesTheThreadThatStartedIt) {
  const std::string film = phantom();
  const Jailed jailed;
  std::thread([&] { film_of(film, "film"); }).join();
  const std::vector<pid_t> before = children();
  ASSERT_EQ(before.size(), 1u);
  film_of(film, "film");
  EXPECT_EQ(children(), before);
}

TEST(Jail, AChildHasOneDescriptorThatLeadsAnywhere) {
  const int mine = ::open("/", O_RDONLY | O_DIRECTORY);  // without O_CLOEXEC: what a library may leave behind
  ASSERT_GE(mine, 0);
  const Jailed jailed;
  film_of(phantom(), "film");
  std::map<std::string, std::string> open;
  const std::string folder = "/proc/" + std::to_string(children().at(0)) + "/fd";
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    open[entry.path().filename().string()] = std::filesystem::read_symlink(entry.path()).string();
  ::close(mine);
  ASSERT_EQ(open.size(), 4u);
  for (const char* standard : {"0", "1", "2"}) EXPECT_EQ(open[standard], "/dev/null");
  EXPECT_EQ(open[std::to_string(kJailChannel)].rfind("socket:", 0), 0u) << open["3"];
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
  EXPECT_EQ(limit("Max address space"), kSanitized ? "unlimited" : std::to_string(kDecodeBytes)) << limits;
  EXPECT_EQ(limit("Max file size"), "0") << limits;
  EXPECT_EQ(limit("Max core file size"), "0") << limits;
}

#ifdef CAWE_HAVE_SECCOMP
/// errno of a call of the system in a process that has closed itself in; 0 where it goes through, -1 where the
/// process ends by a signal.
int inside(const std::function<long()>& call) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!close_in()) ::_exit(255);
    ::_exit(call() == -1 ? errno : 0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Jail, CallsOfTheSystemAreRefused) {
  const pid_t parent = ::getpid();
  const auto map = [](int allowed) {
    return ::mmap(nullptr, 4096, allowed, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  };
  const auto refused = [&](const char* what, const std::function<long()>& call) {
    EXPECT_EQ(inside(call), EPERM) << what;
  };
  refused("a signal to a thread of another process",
          [&] { return ::syscall(SYS_tgkill, parent, parent, 0); });
  refused("a signal to another process", [&] { return long(::kill(parent, 0)); });
  refused("a signal to any thread", [&] { return ::syscall(SYS_tkill, parent, 0); });
  refused("memory that can be run", [&] { return map(PROT_READ | PROT_EXEC) == MAP_FAILED ? -1L : 0L; });
  refused("memory that becomes so",
          [&] { return long(::mprotect(map(PROT_READ | PROT_WRITE), 4096, PROT_READ | PROT_EXEC)); });
  refused("a file", [] { return long(::open("/dev/null", O_RDONLY)); });
  refused("a connection", [] { return long(::socket(AF_INET, SOCK_STREAM, 0)); });
  refused("a process", [] { return long(::fork()); });
  refused("a program", [] { return long(::execl("/bin/true", "true", nullptr)); });
  refused("a file's end", [] { return long(::unlink("/tmp/no such file")); });
  refused("a look into another process",
          [&] { return ::syscall(SYS_ptrace, 16 /* attach */, parent, 0, 0); });
}

TEST(Jail, ComputingIsNotRefused) {
  // Sanitizers map so much that there may be no memory left, which is not a refusal.
  EXPECT_NE(inside([] {
              void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              return page == MAP_FAILED ? -1L : long(::mprotect(page, 4096, PROT_READ));
            }),
            EPERM);
  EXPECT_EQ(inside([] { return ::syscall(SYS_tgkill, ::getpid(), ::syscall(SYS_gettid), 0); }), 0);
  EXPECT_EQ(inside([]() -> long { std::abort(); }), -1) << "it can end itself by a signal";
}
#endif

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
}

TEST(JailMessages, SizesAreOfThisWorld) {
  const auto taken = [](const std::function<void(Picture*)>& forge) {
    Picture picture;
    picture.rows = picture.columns = 2;
    picture.bytes.resize(4);
    forge(&picture);
    jail::Message m;
    jail::put(&m, picture);
    jail::Reader reader(m.bytes());
    try {
      jail::get_picture(&reader);
      return true;
    } catch (const Error& error) {
      return false;
    }
  };
  EXPECT_TRUE(taken([](Picture*) {}));
  EXPECT_FALSE(taken([](Picture* p) { p->rows = p->columns = 1 << 20; })) << "a size without the bytes";
  // 4 (2^31 - 2^24)^2 wraps around below 0, and times 2^14 it is 0 in 64 bits: no bytes would do.
  EXPECT_FALSE(taken([](Picture* p) {
    p->rows = p->columns = std::numeric_limits<int>::max() - ((1 << 24) - 1);
    p->samples = 4;
    p->frames = 1 << 14;
    p->bytes.clear();
  }));
  for (const int wrong : {-1, 0}) {
    EXPECT_FALSE(taken([&](Picture* p) { p->rows = wrong; }));
    EXPECT_FALSE(taken([&](Picture* p) { p->frames = wrong; }));
    EXPECT_FALSE(taken([&](Picture* p) { p->samples = wrong; }));
    EXPECT_FALSE(taken([&](Picture* p) { p->orientation = wrong; }));
    EXPECT_FALSE(taken([&](Picture* p) { p->bits_stored = wrong; }));
  }
  EXPECT_FALSE(taken([](Picture* p) { p->orientation = 9; }));
  EXPECT_FALSE(taken([](Picture* p) { p->bits_allocated = 12; }));
}

TEST(JailMessages, OriginsHaveNothingBesideTheList) {
  const auto taken = [](const std::function<void(DicomOrigin*)>& forge) {
    DicomOrigin origin;
    origin.sop_class = "1.2.3";
    origin.patient = {{0x10, 0x20, "LO", "P 1"}};
    origin.image = {{0x28, 0x30, "DS", "0.1\\0.1"}};
    forge(&origin);
    jail::Message m;
    jail::put(&m, origin);
    jail::Reader reader(m.bytes());
    try {
      EXPECT_EQ(jail::get_origin(&reader).patient[0].value, "P 1");
      return reader.empty();
    } catch (const Error& error) {
      return false;
    }
  };
  EXPECT_TRUE(taken([](DicomOrigin*) {}));
  EXPECT_FALSE(taken([](DicomOrigin* o) {
    o->patient.push_back({0x10, 0x10, "PN", "Doe^Jane"});
  })) << "a name";
  EXPECT_FALSE(taken([](DicomOrigin* o) { o->patient[0].vr = "PN"; }));
  EXPECT_FALSE(taken([](DicomOrigin* o) { o->image[0].value = std::string(1025, '1'); }));
  EXPECT_FALSE(taken([](DicomOrigin* o) { o->sop_class = "1.2.3 or so"; }));
  EXPECT_FALSE(taken([](DicomOrigin* o) { o->lossy_ratio = std::string(1025, '1'); }));
  EXPECT_FALSE(taken([](DicomOrigin* o) { o->key = std::string(65, 'a'); }));
  EXPECT_FALSE(taken([](DicomOrigin* o) { o->patient_id = std::string(4097, 'P'); }));
  EXPECT_FALSE(taken([](DicomOrigin* o) {
    o->study.resize(kMostOriginAttributes + 1, {0x8, 0x20, "DA", ""});
  }));
}

}  // namespace
}  // namespace cawe::data
