// SPDX-License-Identifier: Apache-2.0
// The program `cawe`: parses the command line, runs one subcommand, turns errors into one line and an exit
// code.
#include <fcntl.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <limits>
#include <new>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/outputs.h"
#include "cuda/runtime/init.h"
#include "data/jail.h"
#include "tensor/backend.h"
#include "tensor/denormals.h"
#include "tensor/error.h"
#include "tensor/io/json.h"
#include "tensor/parallel.h"
#include "tensor/stop_signal.h"
#include "tensor/text.h"

namespace cawe::apps {

Device Common::device_kind() const {
  if (device.compare(0, 4, "cuda") == 0) return Device::cuda;
  if (device == "emulated") return Device::emulated;
  return Device::cpu;
}

bool init_device(Device device, std::string* why) {
  switch (device) {
    case Device::cpu:
      return true;
    case Device::cuda:
#ifdef CAWE_HAVE_CUDA
      return on_cuda::init(why);
#else
      *why = "this program was built without CUDA (no nvcc was found). Use --device cpu.";
      return false;
#endif
    case Device::emulated:
#ifdef CAWE_HAVE_EMULATOR
      return on_emulator::init(why);
#else
      *why =
          "this program was built without the emulator (it needs GCC and libboost-context). Use --device "
          "cpu.";
      return false;
#endif
  }
  return false;
}

namespace {

/// "" for cpu, emulated, cuda, and cuda:N with N of up to three digits.
std::string check_device(const std::string& text) {
  const bool known = text == "cpu" || text == "cuda" || text == "emulated";
  const std::string digits = text.compare(0, 5, "cuda:") == 0 ? text.substr(5) : "";
  const bool is_index = !digits.empty() && digits.size() <= 3 && (digits.size() == 1 || digits[0] != '0') &&
                        digits.find_first_not_of("0123456789") == std::string::npos;
  return known || is_index ? "" : "'" + text + "' (expected cpu, cuda, cuda:N for GPU N, or emulated)";
}

/// `cuda` is `cuda:0`: without a choice the driver would count the fastest GPU first.
void choose_gpu([[maybe_unused]] const std::string& device) {
#ifdef CAWE_HAVE_CUDA
  if (device == "cuda") on_cuda::choose(0);
  if (device.compare(0, 5, "cuda:") == 0) on_cuda::choose(std::stoi(device.substr(5)));
#endif
}

}  // namespace

void Common::begin() const {
  check_names(words);
  if (threads > 0) set_num_threads(threads);
  choose_gpu(device);
  std::string why;
  CAWE_CHECK(init_device(device_kind(), &why), Code::unsupported, "--device ", device, ": ", why);
  set_compute_device(device_kind());
}

void print_json(const Json& result) { std::printf("%s\n", json_text(result).c_str()); }

void warning(const std::string& text) {
  std::fprintf(stderr, "cawe: warning: %s\n", printable(text, 2000).c_str());
}

void note(const std::string& text) { std::fprintf(stderr, "cawe: %s\n", printable(text, 2000).c_str()); }

void print_lines(const std::string& text) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::printf("%s\n", printable(std::string_view(text).substr(begin, end - begin), 4000).c_str());
    begin = end + 1;
  }
}

CLI::App* add_command(CLI::App& app, Common& common, const std::string& name, const std::string& what,
                      const std::string& example) {
  CLI::App* sub = app.add_subcommand(name, what);
  sub->add_option("--device", common.device, "cpu, cuda, cuda:N (GPU N of several) or emulated")
      ->check(CLI::Validator(check_device, "", "device"))
      ->capture_default_str();
  sub->add_option("--threads", common.threads, "CPU threads (0: all)")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  sub->add_option_function<uint64_t>(
      "--seed",
      [&common](const uint64_t& seed) {
        common.seed = seed;
        common.seed_given = true;
      },
      "seed of everything random");
  sub->add_flag("--json", common.json, "results as JSON on stdout");
  sub->add_flag("--quiet", common.quiet, "no progress and no log on stderr");
  sub->footer("Example:\n  " + example);
  return sub;
}

namespace {

int report(const std::string& message, int status) {
  std::fprintf(stderr, "cawe: error: %s\n", printable(message, 2000).c_str());
  return status;
}

/// "" for a whole number in decimal digits. CLI11 reads "010" as eight, what is too large as the largest number, and "-1"
/// as 2^64 - 1 where numbers have no sign.
std::string check_whole_number(const std::string& text, bool is_signed) {
  const std::string digits = text.substr(!text.empty() && (text[0] == '-' || text[0] == '+')),
                    largest = std::to_string(std::numeric_limits<int64_t>::max());
  const bool is_number = !digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos;
  const bool is_octal = digits.size() > 1 && digits[0] == '0';
  const bool fits = digits.size() < largest.size() || (digits.size() == largest.size() && digits <= largest);
  return is_number && !is_octal && fits && (is_signed || text[0] != '-')
             ? ""
             : "'" + text + "' (expected a whole number below 2^63, in decimal digits)";
}

constexpr const char* kEmpty =
    "is empty (expected a value, or the option left away; is it of a shell variable that is not set?)";

/// What is checked of every value: an empty one would be taken for an option that was not given. Whole numbers say more.
void check_values(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    const std::string type = option->get_type_name();
    if (const size_t at = type.find("INT"); at != std::string::npos) {
      const bool is_signed = at == 0 || type[at - 1] != 'U';
      option->check(
          CLI::Validator([=](std::string& text) { return check_whole_number(text, is_signed); }, ""));
    } else if (option->get_items_expected_max() > 0) {
      option->check(
          CLI::Validator([](std::string& text) { return text.empty() ? kEmpty : std::string(); }, ""));
    }
  }
  for (CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) check_values(*sub);
}

/// "--out=" alone: CLI11 would take the next word for its value.
void check_equals_signs(const std::vector<std::string>& words) {
  for (size_t i = 1; i < words.size() && words[i] != "--"; ++i)
    CAWE_CHECK(!begins_with(words[i], "--") || words[i].find('=') + 1 != words[i].size(), Code::usage,
               words[i].substr(0, words[i].size() - 1), ": ", kEmpty);
}

/// All valid names at the place of the command line where the error is.
std::vector<std::string> known_names(const CLI::App& at) {
  std::vector<std::string> known;
  for (const CLI::App* sub : at.get_subcommands([](const CLI::App*) { return true; }))
    known.push_back(sub->get_name());
  for (const CLI::Option* option : at.get_options())
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  return known;
}

/// Prints CLI11's message, with the nearest valid name for an unknown word.
int report_usage(const CLI::App& app, const CLI::ParseError& error) {
  std::string message = error.what();
  const CLI::App* at = &app;
  std::string command;  // "recipe keys"
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().back();
    command += at->get_name() + " ";
  }
  const std::vector<std::string> unknown = at->remaining(true), known = known_names(*at);
  std::string word, near;
  for (const std::string& candidate : unknown) {
    const std::string found = nearest_name(candidate, known);
    if (!word.empty() && (found.empty() || !near.empty())) continue;
    word = candidate;
    near = found;
  }
  if (!word.empty())
    message = "'" + word + "' is not known here" + (near.empty() ? "" : " (did you mean " + near + "?)");
  return report(message + (message.back() == '.' ? "" : ".") + " See `cawe " + command + "--help`.", 2);
}

bool output_closed = false;

/// Opens /dev/null where descriptors 0, 1 or 2 are closed: the next file or socket would get their number, and what is
/// printed would go into it.
void keep_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    if (fd == STDOUT_FILENO) output_closed = true;
    if (::open("/dev/null", O_RDWR) < 0) std::_Exit(1);  // gets the lowest free number, which is fd
  }
}

/// `status`, or 1 where what was printed did not arrive (a full disk, a closed descriptor).
int printed(int status) {
  std::cout.flush();
  if (!output_closed && std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good())
    return status;
  return report("standard output: cannot be written", 1);
}

}  // namespace
}  // namespace cawe::apps

int main(int argc, char** argv) {
  using namespace cawe;
  using namespace cawe::apps;
  keep_standard_descriptors();
  if (argc == 2 && std::string(argv[1]) == data::kDecoderArgument) return data::serve_decoder();
  end_on_signals();
  flush_denormals();
  CLI::App app("cawe " CAWE_VERSION
               ": class-aware attention and lesion detection on chest X-rays. For research use only.",
               "cawe");
  app.require_subcommand(1);
  app.set_version_flag("--version", CAWE_VERSION);
  Common common;
  common.words.assign(argv, argv + argc);
  common.command_line = shell_text(common.words);
  add_phantom(app, common);
  add_train(app, common);
  add_enhance(app, common);
  add_detect(app, common);
  add_evaluate(app, common);
  add_study(app, common);
  add_plan(app, common);
  add_recipe(app, common);
  add_kernels(app, common);
  add_convert(app, common);
  add_data(app, common);
  add_inspect(app, common);
  add_doctor(app, common);
  check_values(app);
  try {
    check_equals_signs(common.words);
    app.parse(argc, argv);
    return printed(common.status);
  } catch (const CLI::Success& done) {
    return printed(app.exit(done));
  } catch (const CLI::ParseError& error) {
    return report_usage(app, error);
  } catch (const Error& error) {
    const bool stopped = error.code() == Code::interrupted && stop_signal() != 0;
    return report(error.what(), stopped ? 128 + stop_signal() : exit_code(error.code()));
  } catch (const std::filesystem::filesystem_error& error) {
    const std::string path = error.path1().string(), problem = too_long(path);
    if (!problem.empty()) return report(printable(path, 400) + ": " + problem, 2);
    return report(path + ": " + error.code().message(), 1);
  } catch (const std::bad_alloc&) {
    return report("out of memory. Use a smaller batch, image or --threads.", 1);
  } catch (const std::exception& error) {
    return report(error.what(), 1);
  }
}
