// SPDX-License-Identifier: Apache-2.0
// JPEG through libjpeg-turbo's own interface: the simpler TurboJPEG one refuses some subsamplings.
#include "data/formats/hostile.h"
#include "data/formats/picture/picture.h"

#ifdef CAWE_HAVE_JPEG
#include <csetjmp>
#include <cstdio>  // before jpeglib.h, which needs FILE

#include <jpeglib.h>

#include <cstring>
#endif

namespace cawe::data {

#ifndef CAWE_HAVE_JPEG
Picture parse_jpeg(std::string_view, const std::string& name, const ReadOptions&) {
  fail(Code::unsupported, name, ": this build cannot read JPEG (install libjpeg-dev and build again)");
}
#else
namespace {

/// libjpeg reports errors by longjmp: no object with a destructor may be created between setjmp and it.
struct Decoder {
  jpeg_decompress_struct state;
  jpeg_error_mgr errors;
  std::jmp_buf leave;
  char message[JMSG_LENGTH_MAX];
};

void on_error(j_common_ptr state) {
  auto* d = static_cast<Decoder*>(state->client_data);
  d->errors.format_message(state, d->message);
  std::longjmp(d->leave, 1);
}

/// libjpeg's messages; level -1 is a warning. Only warnings of missing data make the picture count as
/// truncated.
void on_message(j_common_ptr state, int level) {
  if (level >= 0) return;
  auto* d = static_cast<Decoder*>(state->client_data);
  char text[JMSG_LENGTH_MAX];
  d->errors.format_message(state, text);
  if (std::strstr(text, "remature end") == nullptr) return;
  std::memcpy(d->message, text, sizeof text);
  std::longjmp(d->leave, 1);
}

/// Reads the header only. Returns 0 on success.
int read_header(Decoder* d, std::string_view bytes) {
  if (setjmp(d->leave) != 0) return 1;
  jpeg_create_decompress(&d->state);
  d->state.client_data = d;
  jpeg_mem_src(&d->state, reinterpret_cast<const unsigned char*>(bytes.data()),
               static_cast<unsigned long>(bytes.size()));
  jpeg_read_header(&d->state, TRUE);
  return 0;
}

int read_pixels(Decoder* d, uint8_t* out, size_t row_bytes) {
  if (setjmp(d->leave) != 0) return 1;
  d->state.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&d->state);
  while (d->state.output_scanline < d->state.output_height) {
    JSAMPROW row = out + size_t(d->state.output_scanline) * row_bytes;
    jpeg_read_scanlines(&d->state, &row, 1);
  }
  jpeg_finish_decompress(&d->state);
  return 0;
}

class Opened {
 public:
  explicit Opened(std::string_view bytes) {
    std::memset(&d, 0, sizeof d);
    d.state.err = jpeg_std_error(&d.errors);
    d.errors.error_exit = on_error;
    d.errors.emit_message = on_message;
    d.state.client_data = &d;
    header_status = read_header(&d, bytes);
  }
  ~Opened() { jpeg_destroy_decompress(&d.state); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  Decoder d;
  int header_status;
};

/// Adobe's CMYK files hold inverted values: the product of colour and black is then the RGB value.
std::vector<uint8_t> cmyk_to_rgb(const std::vector<uint8_t>& from, bool inverted) {
  std::vector<uint8_t> to(from.size() / 4 * 3);
  const auto ink = [&](size_t i) { return inverted ? int(from[i]) : 255 - int(from[i]); };
  for (size_t i = 0; i < from.size() / 4; ++i)
    for (size_t c = 0; c < 3; ++c) to[i * 3 + c] = uint8_t((ink(i * 4 + c) * ink(i * 4 + 3) + 127) / 255);
  return to;
}

}  // namespace

Picture parse_jpeg(std::string_view bytes, const std::string& name, const ReadOptions&) {
  Opened file(bytes);
  jpeg_decompress_struct& s = file.d.state;
  if (file.header_status != 0)
    refuse_picture("bad_header", name, ": JPEG header cannot be read (", file.d.message, ")");
  const int64_t w = s.image_width, h = s.image_height;
  if (w < 1 || h < 1 || w > kMaxSide || h > kMaxSide || w * h * 4 > kMaxSamples)
    refuse_picture("bad_size", name, ": JPEG of ", w, " x ", h, " (expected sides of 1 to ", kMaxSide,
                   " and up to ", kMaxSamples / 4, " pixels)");
  // A block of 64 values takes at least two bits: a larger picture than that cannot be in the file.
  if (w * h / 256 > int64_t(bytes.size()))
    refuse_picture("truncated_pixel_data", name, ": ", bytes.size(), " bytes of JPEG cannot hold ", w, " x ",
                   h, " pixels");
  if (const size_t scans = scan_jpeg(bytes).scans; scans > kMaxJpegScans)
    refuse_picture("bad_header", name, ": JPEG of ", scans, " scans (expected up to ", kMaxJpegScans, ")");
  const bool gray = s.num_components == 1, cmyk = s.num_components == 4;
  s.out_color_space = gray ? JCS_GRAYSCALE : cmyk ? JCS_CMYK : JCS_RGB;
  Picture p;
  p.kind = "jpeg";
  p.rows = int(h);
  p.columns = int(w);
  p.samples = gray ? 1 : 3;
  p.photometric = gray ? "MONOCHROME2" : "RGB";
  const size_t row_bytes = size_t(w) * (gray ? 1 : cmyk ? 4 : 3);
  p.bytes.resize(row_bytes * size_t(h));
  if (read_pixels(&file.d, p.bytes.data(), row_bytes) != 0)
    refuse_picture("truncated_pixel_data", name, ": JPEG cannot be decoded (", file.d.message, ")");
  if (cmyk) p.bytes = cmyk_to_rgb(p.bytes, s.saw_Adobe_marker != FALSE);
  return p;
}
#endif

}  // namespace cawe::data
