// SPDX-License-Identifier: Apache-2.0
// PNM: P1 to P6, binary and in decimal digits, by the rules of netpbm's pbm(5), pgm(5) and ppm(5). Values are scaled
// from 0 to `maxval` to the whole range of 8 bits, or of 16 bits where maxval is above 255. Of P1 and P4 a 1 is black.
#include <algorithm>

#include "data/formats/picture/bytes.h"
#include "data/formats/picture/picture.h"

namespace cawe::data {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Reads words of a header or of decimal samples: white space separates, # begins a comment up to the line's end.
class Reader {
 public:
  Reader(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  void skip_space() {
    while (at_ < bytes_.size() && (is_space(bytes_[at_]) || bytes_[at_] == '#')) {
      if (bytes_[at_] == '#') skip_comment();
      if (at_ < bytes_.size()) ++at_;
    }
  }

  /// A whole number of up to 9 digits, or -1 at the end of the file.
  int64_t number(const char* what) {
    skip_space();
    if (at_ == bytes_.size()) return -1;
    int64_t value = 0;
    const size_t begin = at_;
    for (; at_ < bytes_.size() && bytes_[at_] >= '0' && bytes_[at_] <= '9'; ++at_) {
      value = value * 10 + (bytes_[at_] - '0');
      if (at_ - begin >= 9)
        refuse_picture("bad_size", name_, ": PNM ", what, " of more than 9 digits (it begins with ", value,
                       ")");
    }
    const bool ends = at_ == bytes_.size() || is_space(bytes_[at_]) || bytes_[at_] == '#';
    if (at_ == begin || !ends)
      refuse_picture("bad_header", name_, ": PNM ", what, " is no whole number (at byte ", at_, ")");
    return value;
  }

  /// The one white space between the header and `needed` bytes of binary samples; a comment stands for the end of its
  /// line. A header whose lines end with CR LF has two: plain where that is what the size says.
  void end_header(int64_t needed) {
    if (at_ < bytes_.size() && bytes_[at_] == '#') skip_comment();
    const bool two = bytes_.substr(at_, 2) == "\r\n" && int64_t(bytes_.size() - at_) == needed + 2;
    at_ = std::min(bytes_.size(), at_ + (two ? 2 : 1));
  }

  /// One digit of P1, which need not be separated; -1 at the end of the file.
  int bit() {
    skip_space();
    if (at_ == bytes_.size()) return -1;
    const char c = bytes_[at_++];
    if (c != '0' && c != '1')
      refuse_picture("bad_header", name_, ": PBM pixel is neither 0 nor 1 (at byte ", at_ - 1, ")");
    return c - '0';
  }

  std::string_view rest() const { return bytes_.substr(at_); }
  void skip(size_t bytes) { at_ += bytes; }

 private:
  void skip_comment() {
    while (at_ < bytes_.size() && bytes_[at_] != '\n' && bytes_[at_] != '\r') ++at_;
  }

  std::string_view bytes_;
  size_t at_ = 2;  ///< behind P and the digit
  const std::string& name_;
};

struct Header {
  int kind = 0;  ///< the digit behind P
  int64_t width = 0, height = 0, most = 1;
  bool ascii() const { return kind <= 3; }
  bool bitmap() const { return kind == 1 || kind == 4; }
  int64_t samples() const { return kind == 3 || kind == 6 ? 3 : 1; }
  int64_t count() const { return width * height * samples(); }
  int64_t row_bytes() const { return bitmap() ? (width + 7) / 8 : width * samples() * (most > 255 ? 2 : 1); }
};

Header read_header(std::string_view bytes, const std::string& name, Reader* reader) {
  Header h;
  h.kind = bytes[1] - '0';
  if (bytes.size() < 3 || (!is_space(bytes[2]) && bytes[2] != '#'))
    refuse_picture("bad_header", name, ": PNM whose first word is not P", h.kind);
  h.width = reader->number("width");
  h.height = reader->number("height");
  if (!h.bitmap()) h.most = reader->number("largest value");
  if (h.width < 0 || h.height < 0 || h.most < 0)
    refuse_picture("truncated_header", name, ": PNM ends inside its header (cut off)");
  if (h.width < 1 || h.height < 1 || h.width > kMaxSide || h.height > kMaxSide || h.count() > kMaxSamples)
    refuse_picture("bad_size", name, ": PNM of ", h.width, " x ", h.height, " (expected sides of 1 to ",
                   kMaxSide, " and up to ", kMaxSamples, " samples)");
  if (h.most < 1 || h.most > 65535)
    refuse_picture("bad_header", name, ": PNM whose largest value is ", h.most, " (expected 1 to 65535)");
  return h;
}

/// Puts scaled samples into the picture, one after the other.
class Writer {
 public:
  Writer(const Header& h, Picture* p) : h_(h), p_(p) {
    p->kind = "pnm";
    p->columns = int(h.width);
    p->rows = int(h.height);
    p->samples = int(h.samples());
    p->bits_allocated = p->bits_stored = h.most > 255 ? 16 : 8;
    p->photometric = h.samples() == 1 ? "MONOCHROME2" : "RGB";
    p->bytes.reserve(size_t(h.count()) * size_t(p->bits_allocated / 8));
  }
  void put(int64_t value) {
    if (value > h_.most) {
      if (beyond_ == 0) beyond_ = value;
      value = h_.most;
    }
    const int64_t full = p_->bits_allocated == 8 ? 255 : 65535,
                  scaled = (value * full + h_.most / 2) / h_.most;
    p_->bytes.push_back(uint8_t(scaled & 0xFF));
    if (p_->bits_allocated == 16) p_->bytes.push_back(uint8_t(scaled >> 8));
  }
  int64_t beyond() const { return beyond_; }  ///< the first value above the largest, 0: none

 private:
  const Header& h_;
  Picture* p_;
  int64_t beyond_ = 0;
};

[[noreturn]] void refuse_short(const std::string& name, int64_t have, int64_t needed, const char* what) {
  refuse_picture("truncated_pixel_data", name, ": PNM with ", have, what, " (expected ", needed, ")");
}

void read_ascii(const Header& h, const std::string& name, Reader* reader, Writer* to) {
  for (int64_t i = 0; i < h.count(); ++i) {
    const int64_t value = h.bitmap() ? reader->bit() : reader->number("sample");
    if (value < 0) refuse_short(name, i, h.count(), " samples");
    to->put(h.bitmap() ? 1 - value : value);
  }
}

void read_binary(const Header& h, Reader* reader, Writer* to) {
  const std::string_view pixels = reader->rest();
  for (int64_t y = 0; y < h.height; ++y) {
    const std::string_view row = pixels.substr(size_t(y * h.row_bytes()));
    for (size_t i = 0; i < size_t(h.width * h.samples()); ++i)
      to->put(h.bitmap() ? 1 - int64_t(byte_at(row, i / 8) >> (7 - i % 8) & 1)
                         : int64_t(h.most > 255 ? big_16(row, 2 * i) : byte_at(row, i)));
  }
  reader->skip(size_t(h.row_bytes() * h.height));
}

/// Bytes behind the picture: filling is nothing; another picture, or as much again, says that the header is wrong or
/// that pictures would be lost.
void check_rest(const Header& h, std::string_view rest, const std::string& name) {
  const size_t first = size_t(std::find_if_not(rest.begin(), rest.end(), is_space) - rest.begin());
  rest.remove_prefix(first);
  if (rest.size() >= 3 && rest[0] == 'P' && rest[1] >= '1' && rest[1] <= '7' && is_space(rest[2]))
    refuse_picture("unsupported_format", name, ": PNM with more than one picture (expected one a file)");
  if (h.ascii() && !rest.empty() && rest[0] != '#')
    refuse_picture("bad_header", name, ": PNM with more than the ", h.count(), " samples of ", h.width, " x ",
                   h.height, ": its header is wrong");
  if (!h.ascii() && int64_t(rest.size()) >= h.row_bytes() * h.height)
    refuse_picture("bad_header", name, ": PNM of ", h.width, " x ", h.height, " with a largest value of ",
                   h.most, " has ", rest.size(),
                   " bytes behind its pixels, as many again as they take: its header is wrong");
}

}  // namespace

Picture parse_pnm(std::string_view bytes, const std::string& name, const ReadOptions& options) {
  if (bytes.size() < 2 || bytes[0] != 'P' || bytes[1] < '1' || bytes[1] > '6')
    refuse_picture("bad_header", name, ": no PNM (expected P1 to P6)");
  Reader reader(bytes, name);
  const Header h = read_header(bytes, name, &reader);
  Picture p;
  // Room is made only for as many samples as the file can hold: a digit and a space are the least of a number.
  const int64_t needed = !h.ascii() ? h.row_bytes() * h.height : h.bitmap() ? h.count() : 2 * h.count() - 1;
  if (!h.ascii()) reader.end_header(needed);
  const int64_t have = int64_t(reader.rest().size());
  if (have < needed)
    refuse_short(name, have, needed, h.ascii() ? " characters of samples" : " bytes of pixels");
  Writer writer(h, &p);
  if (h.ascii())
    read_ascii(h, name, &reader, &writer);
  else
    read_binary(h, &reader, &writer);
  check_rest(h, reader.rest(), name);
  if (writer.beyond() == 0) return p;
  p.damage = detail::concat("sample of ", writer.beyond(), " where the header says at most ", h.most);
  if (!options.allow_damaged) refuse_damaged(name, "PNM", p.damage);
  return p;
}

}  // namespace cawe::data
