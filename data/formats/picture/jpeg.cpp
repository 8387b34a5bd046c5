// SPDX-License-Identifier: Apache-2.0
// JPEG through libjpeg-turbo's own interface: the simpler TurboJPEG one refuses some subsamplings.
#include "data/formats/hostile.h"
#include "data/formats/picture/jpeg_scans.h"
#include "data/formats/picture/orientation.h"
#include "data/formats/picture/picture.h"

#ifdef CAWE_HAVE_JPEG
#include <csetjmp>
#include <cstdio>  // before jpeglib.h, which needs FILE

#include <jerror.h>
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

/// Most bytes left over behind a scan that are no damage: an encoder that writes whole words of 32 bits leaves them.
constexpr int kSpareScanBytes = 3;

constexpr const char* kCodesLack = "arithmetic codes end too early: their scan goes on without any";

/// libjpeg reports errors by longjmp: no object with a destructor may be created between setjmp and it.
struct Decoder {
  jpeg_decompress_struct state;
  jpeg_error_mgr errors;
  std::jmp_buf leave;
  char message[JMSG_LENGTH_MAX];  ///< why it ended, or the first damage
  bool in_scans;                  ///< the header is read
  bool allow_damaged;
  bool cut_off;       ///< the first damage is the file's end
  int damages;        ///< how often the decoder had to guess
  bool arithmetic;    ///< the stream is with_spare_zeros()
  size_t with_spare;  ///< scans that left some of them over
};

void on_error(j_common_ptr state) {
  auto* d = static_cast<Decoder*>(state->client_data);
  d->errors.format_message(state, d->message);
  d->damages = 0;
  std::longjmp(d->leave, 1);
}

/// Whether a warning means that pixels are wrong. Bytes that are left over behind a scan do: the codes went out of
/// step, and the picture was full too soon. In nearly half of the damaged files that were tried they are the first
/// sign.
bool is_damage(const Decoder& d, int code) {
  switch (code) {
    case JWRN_ADOBE_XFORM:        // an unknown colour transform: read as the usual one
    case JWRN_BOGUS_PROGRESSION:  // an odd order of scans; missing_scans() says whether any lacks
    case JWRN_JFIF_MAJOR:         // an unknown revision
    case JWRN_NOT_SEQUENTIAL:     // parameters that only progressive files need
    case JWRN_TOO_MUCH_DATA:      // about encoding
      return false;
    case JWRN_EXTRANEOUS_DATA:  // between the header's segments nothing is lost
      return d.in_scans && d.errors.msg_parm.i[0] > kSpareScanBytes;
    default:
      return true;
  }
}

/// A warning of bytes left over behind a scan of arithmetic codes: it is not about the zeros that were put there.
void take_spare_zeros(Decoder* d) {
  int* const left = d->errors.msg_parm.i;  // bytes, and the marker behind them
  if (left[1] >= JPEG_RST0 && left[1] <= JPEG_RST0 + 7) return;
  left[0] -= kSpareZeros;
  if (!d->state.progressive_mode || d->state.Ss > 0 || d->state.Ah == 0) ++d->with_spare;
}

/// libjpeg's messages; level -1 is a warning.
void on_message(j_common_ptr state, int level) {
  auto* d = static_cast<Decoder*>(state->client_data);
  if (level >= 0) return;
  if (d->arithmetic && d->in_scans && d->errors.msg_code == JWRN_EXTRANEOUS_DATA) take_spare_zeros(d);
  if (!is_damage(*d, d->errors.msg_code)) return;
  if (d->damages++ == 0) {
    d->errors.format_message(state, d->message);
    d->cut_off = d->errors.msg_code == JWRN_JPEG_EOF;
  }
  if (!d->allow_damaged) std::longjmp(d->leave, 1);
}

/// Reads the header only. Returns 0 on success.
int read_header(Decoder* d, std::string_view bytes) {
  if (setjmp(d->leave) != 0) return 1;
  jpeg_create_decompress(&d->state);
  d->state.client_data = d;
  jpeg_mem_src(&d->state, reinterpret_cast<const unsigned char*>(bytes.data()),
               static_cast<unsigned long>(bytes.size()));
  jpeg_read_header(&d->state, TRUE);
  d->in_scans = true;
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
  Opened(std::string_view bytes, bool allow_damaged) : spare(with_spare_zeros(bytes)) {
    std::memset(&d, 0, sizeof d);
    d.allow_damaged = allow_damaged;
    d.arithmetic = !spare.stream.empty();
    d.state.err = jpeg_std_error(&d.errors);
    d.errors.error_exit = on_error;
    d.errors.emit_message = on_message;
    d.state.client_data = &d;
    header_status = read_header(&d, d.arithmetic ? spare.stream : bytes);
  }
  ~Opened() { jpeg_destroy_decompress(&d.state); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  const SpareZeros spare;
  Decoder d;
  int header_status;
};

/// What the decoder said, for a picture or its refusal.
std::string damage_text(const Decoder& d) {
  return detail::concat("libjpeg: ", d.message,
                        d.damages > 1 ? ", and " + std::to_string(d.damages - 1) + " more" : "");
}

[[noreturn]] void refuse_scans(const Decoder& d, const std::string& name) {
  if (d.damages > 0 && !d.cut_off) refuse_damaged(name, "JPEG", damage_text(d));
  if (d.damages > 0)
    refuse_picture("truncated_pixel_data", name, ": JPEG is cut off (", damage_text(d),
                   "). --allow-damaged, in recipes data.allow_damaged, reads what can be read");
  refuse_picture("pixel_data_undecodable", name, ": JPEG cannot be decoded (libjpeg: ", d.message, ")");
}

/// Adobe's CMYK files hold inverted values: the product of colour and black is then the RGB value.
std::vector<uint8_t> cmyk_to_rgb(const std::vector<uint8_t>& from, bool inverted) {
  std::vector<uint8_t> to(from.size() / 4 * 3);
  const auto ink = [&](size_t i) { return inverted ? int(from[i]) : 255 - int(from[i]); };
  for (size_t i = 0; i < from.size() / 4; ++i)
    for (size_t c = 0; c < 3; ++c) to[i * 3 + c] = uint8_t((ink(i * 4 + c) * ink(i * 4 + 3) + 127) / 255);
  return to;
}

}  // namespace

Picture parse_jpeg(std::string_view bytes, const std::string& name, const ReadOptions& options) {
  if (const size_t scans = scan_jpeg(bytes).scans; scans > kMaxJpegScans)
    refuse_picture("bad_header", name, ": JPEG of ", scans, " scans (expected up to ", kMaxJpegScans, ")");
  Opened file(bytes, options.allow_damaged);
  jpeg_decompress_struct& s = file.d.state;
  if (file.header_status != 0)
    refuse_picture("bad_header", name, ": JPEG header cannot be read (libjpeg: ", file.d.message, ")");
  const int64_t w = s.image_width, h = s.image_height;
  if (w < 1 || h < 1 || w > kMaxSide || h > kMaxSide || w * h * 4 > kMaxSamples)
    refuse_picture("bad_size", name, ": JPEG of ", w, " x ", h, " (expected sides of 1 to ", kMaxSide,
                   " and up to ", kMaxSamples / 4, " pixels)");
  // A block of 64 values takes at least two bits: a larger picture than that cannot be in the file.
  if (w * h / 256 > int64_t(bytes.size()))
    refuse_picture("truncated_pixel_data", name, ": ", bytes.size(), " bytes of JPEG cannot hold ", w, " x ",
                   h, " pixels");
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
  p.orientation = jpeg_orientation(bytes);
  if (read_pixels(&file.d, p.bytes.data(), row_bytes) != 0) refuse_scans(file.d, name);
  const MissingScans missing = missing_scans(bytes);
  const bool codes_lack = file.d.with_spare < file.spare.scans;
  p.damage = file.d.damages > 0 ? damage_text(file.d) : codes_lack ? kCodesLack : missing.text;
  // Decoders are expected to show a progressive picture as far as its scans go: it is told, not refused.
  if ((missing.whole_component || codes_lack) && !options.allow_damaged)
    refuse_damaged(name, "JPEG", p.damage);
  if (cmyk) p.bytes = cmyk_to_rgb(p.bytes, s.saw_Adobe_marker != FALSE);
  return p;
}
#endif

}  // namespace cawe::data
