// SPDX-License-Identifier: Apache-2.0
// Compressed pixels: fragments in every arrangement, streams that say other colours than the header, and
// damage that decoders fill in.
#include "data/formats/dicom/fragments.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "data/formats/dicom/film.h"
#include "tensor/io/files.h"
#include "tests/data/formats/dicom/compressed.h"
#include "tests/data/formats/dicom/dicom_bytes.h"
#include "tests/data/formats/picture/arithmetic_jpeg.h"

namespace cawe::data {
namespace {

using namespace dicom_bytes;
using namespace std::string_literals;

constexpr const char* kBaseline = "1.2.840.10008.1.2.4.50";
constexpr const char* kRle = "1.2.840.10008.1.2.5";

/// Kind of the refusal, or "read".
std::string kind_of(const std::string& bytes, const ReadOptions& options = {}) {
  try {
    parse_film(bytes, "made", options);
    return "read";
  } catch (const PictureError& e) {
    return e.kind();
  }
}

/// The same where all frames are asked for.
std::string kind_of_all(const std::string& bytes) {
  try {
    parse_dicom(bytes, "made");
    return "read";
  } catch (const PictureError& e) {
    return e.kind();
  }
}

/// Its words, or "read".
std::string text_of(const std::string& bytes) {
  try {
    parse_film(bytes, "made");
    return "read";
  } catch (const PictureError& e) {
    return e.what();
  }
}

/// 64 x 48 values of 8 or 12 bits: smooth, with a step.
std::vector<int> scene(int bits) {
  std::vector<int> out;
  for (int y = 0; y < 48; ++y)
    for (int x = 0; x < 64; ++x) {
      const double v = 0.5 + 0.3 * std::sin(x / 5.0) * std::cos(y / 7.0) + (x > 40 ? 0.15 : 0);
      out.push_back(int(v * ((1 << bits) - 1)));
    }
  return out;
}

std::string scene_file(int bits, E_TransferSyntax syntax) {
  Writer w(Encoding::explicit_little);
  Shape s;
  s.rows = 48;
  s.columns = 64;
  s.bits = bits;
  s.alloc = bits > 8 ? 16 : 8;
  put(w, s);
  if (bits > 8) return compressed(file(w.words(0x7FE0, 0x10, "OW", scene(bits))), syntax);
  std::string bytes;
  for (const int v : scene(8)) bytes += char(v);
  return compressed(file(w.text(0x7FE0, 0x10, "OB", bytes)), syntax);
}

/// The one fragment of a compressed file.
std::string fragment_of(const std::string& bytes) {
  const size_t pixels = bytes.rfind("\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0"s);
  EXPECT_NE(pixels, bytes.npos);
  const auto length_at = [&](size_t at) {
    return size_t(uint8_t(bytes[at])) | size_t(uint8_t(bytes[at + 1])) << 8 |
           size_t(uint8_t(bytes[at + 2])) << 16;
  };
  const size_t first = pixels + 20 + length_at(pixels + 16);
  return bytes.substr(first + 8, length_at(first + 4));
}

std::string with_fragments(const std::vector<std::string>& fragments, const std::string& syntax,
                           const Shape& shape) {
  Writer w(Encoding::explicit_little);
  put(w, shape).append(encapsulated(fragments));
  return file(w, syntax);
}

Shape scene_shape(int bits = 8, const std::string& frames = "") {
  Shape s;
  s.rows = 48;
  s.columns = 64;
  s.bits = bits;
  s.alloc = bits > 8 ? 16 : 8;
  s.frames = frames;
  return s;
}

std::vector<std::string> cut(const std::string& bytes, size_t piece) {
  std::vector<std::string> out;
  for (size_t i = 0; i < bytes.size(); i += piece) out.push_back(bytes.substr(i, piece));
  return out;
}

const E_TransferSyntax kSyntaxes[] = {EXS_JPEGProcess1, EXS_JPEGProcess2_4, EXS_JPEGProcess14SV1,
                                      EXS_JPEGLSLossless, EXS_RLELossless};

int bits_for(E_TransferSyntax syntax) { return syntax == EXS_JPEGProcess1 ? 8 : 12; }

// PS3.5 A.4: a frame may lie in any number of fragments, and any of them may be empty. DCMTK looks for the
// frame header in the first alone.
TEST(Fragments, AFrameInAnyNumberOfThem) {
  for (const E_TransferSyntax syntax : kSyntaxes) {
    const std::string whole = scene_file(bits_for(syntax), syntax), uid = DcmXfer(syntax).getXferID();
    SCOPED_TRACE(uid);
    const FloatImage wanted = parse_film(whole, "whole").image;
    const std::string stream = fragment_of(whole);
    const Shape shape = scene_shape(bits_for(syntax));
    std::vector<std::string> empty_ones{"", "", stream, ""};
    for (const std::vector<std::string>& fragments :
         {std::vector<std::string>{stream}, cut(stream, 2), cut(stream, 70), cut(stream, 1000), empty_ones}) {
      if (fragments.size() > 1900) continue;  // the limit of items
      EXPECT_EQ(parse_film(with_fragments(fragments, uid, shape), "made").image.pixels, wanted.pixels)
          << fragments.size();
    }
    // One frame is declared, or none, and two are there: the first.
    for (const char* frames : {"", "1", "0", "empty"})
      EXPECT_EQ(
          parse_film(with_fragments({stream, stream}, uid, scene_shape(bits_for(syntax), frames)), "made")
              .image.pixels,
          wanted.pixels)
          << frames;
    EXPECT_EQ(kind_of(with_fragments({"", ""}, uid, shape)), "truncated_pixel_data");
    EXPECT_EQ(kind_of(with_fragments({}, uid, shape)), "truncated_pixel_data");
  }
}

TEST(Fragments, FramesOfSeveral) {
  const std::string whole = scene_file(8, EXS_JPEGProcess1), stream = fragment_of(whole);
  std::vector<std::string> two = cut(stream, 300), again = two;
  two.insert(two.end(), again.begin(), again.end());
  const Picture p = parse_dicom(with_fragments(two, kBaseline, scene_shape(8, "2")), "made");
  EXPECT_EQ(p.frames, 2);
  const std::vector<uint8_t> one = parse_dicom(whole, "whole").bytes;
  EXPECT_TRUE(std::equal(one.begin(), one.end(), p.bytes.begin()));
  EXPECT_TRUE(std::equal(one.begin(), one.end(), p.bytes.begin() + long(one.size())));
  EXPECT_EQ(kind_of_all(with_fragments(two, kBaseline, scene_shape(8, "3"))), "truncated_pixel_data");
}

// A thousand frames are not decoded to be refused: these cannot be.
TEST(Fragments, SeveralFramesAreRefusedUndecoded) {
  Shape shape = scene_shape(8);
  shape.frames = "1000";
  const std::string bytes = with_fragments({"junk"}, kBaseline, shape);
  EXPECT_EQ(kind_of(bytes), "several_frames");
  EXPECT_EQ(text_of(bytes), "made: DICOM of 1000 frames (expected one film)");
  EXPECT_EQ(kind_of_all(bytes), "truncated_pixel_data") << "who asks for all frames gets to the junk";
}

// Names by PS3.6 table A-1, as DCMTK has them.
TEST(Fragments, CompressionsThatAreNotReadAreNamed) {
  const std::string names[][2] = {
      {"1.2.840.10008.1.2.4.90", "JPEG 2000"}, {"1.2.840.10008.1.2.4.91", "JPEG 2000"},
      {"1.2.840.10008.1.2.4.100", "MPEG2"},    {"1.2.840.10008.1.2.4.101", "MPEG2"},
      {"1.2.840.10008.1.2.4.102", "MPEG-4"},   {"1.2.840.10008.1.2.4.106", "MPEG-4"},
      {"1.2.840.10008.1.2.4.107", "HEVC"},     {"1.2.840.10008.1.2.4.108", "HEVC"}};
  for (const auto& [uid, name] : names)
    for (const char* frames : {"", "300"}) {
      Shape shape = scene_shape(8);
      shape.frames = frames;
      const std::string bytes = with_fragments({"\0\0\1\xB3 a stream"s}, uid, shape);
      EXPECT_EQ(kind_of(bytes), "unsupported_transfer_syntax") << uid;
      EXPECT_NE(text_of(bytes).find(name), std::string::npos) << text_of(bytes);
    }
}

TEST(Fragments, NumberOfFramesMustBeANumber) {
  const std::string stream = fragment_of(scene_file(8, EXS_JPEGProcess1));
  for (const char* frames : {"abc", "-1", "1.5", "1A", "9999999999"})
    EXPECT_EQ(kind_of(with_fragments({stream}, kBaseline, scene_shape(8, frames))), "bad_header") << frames;
  EXPECT_EQ(kind_of(with_fragments({stream}, kBaseline, scene_shape(8, " 1 "))), "read");
}

// pydicom warns and reads the frames that are declared.
TEST(Fragments, MorePixelDataThanDeclared) {
  Writer w(Encoding::explicit_little);
  put(w, Shape()).text(0x7FE0, 0x10, "OB", std::string(12, '\x33') + std::string(5000, '\x77'));
  const Film film = parse_film(file(w), "made");
  EXPECT_EQ(film.image.pixels, std::vector<float>(12, 0.2f));
}

/// Zeros over a third of the stream, behind its headers. (Of small holes in real films the JPEG decoders
/// notice some 95 in 100; the others unfold to as many blocks as were there.)
std::string holed(std::string stream) {
  const size_t from = stream.size() * 6 / 10, length = stream.size() / 3;
  return stream.replace(from, length, std::string(length, '\0'));
}

TEST(Damage, HolesAreRefusedOrTold) {
  for (const E_TransferSyntax syntax : kSyntaxes) {
    const std::string whole = scene_file(bits_for(syntax), syntax), uid = DcmXfer(syntax).getXferID();
    SCOPED_TRACE(uid);
    EXPECT_EQ(parse_film(whole, "whole").damage, "");
    const std::string bytes = with_fragments({holed(fragment_of(whole))}, uid, scene_shape(bits_for(syntax)));
    if (syntax == EXS_JPEGLSLossless) {  // its decoder gives up
      EXPECT_EQ(kind_of(bytes, {true}), "truncated_pixel_data");
      continue;
    }
    EXPECT_EQ(kind_of(bytes), "damaged_pixel_data");
    EXPECT_NE(text_of(bytes).find("--allow-damaged, in recipes data.allow_damaged"), std::string::npos)
        << text_of(bytes);
    const Film film = parse_film(bytes, "made", {true});
    EXPECT_FALSE(film.damage.empty());
    EXPECT_EQ(parse_dicom(bytes, "made", {true}).damage, film.damage);
    const FloatImage wanted = parse_film(whole, "whole").image;
    // What lies before the hole is whole; RLE has the pixels' bytes in planes.
    const long whole_rows = syntax == EXS_RLELossless ? 0 : 8;
    EXPECT_TRUE(std::equal(wanted.pixels.begin(), wanted.pixels.begin() + whole_rows * 64,
                           film.image.pixels.begin()));
    EXPECT_NE(film.image.pixels, wanted.pixels);
  }
}

// Coefficients that no scan codes become flat gray without a word of the decoder's.
TEST(Damage, MissingScansAreRefusedOrTold) {
  for (const int bits : {8, 12}) {
    const std::string whole = fragment_of(scene_file(bits, EXS_JPEGProcess10_12));
    // The first scan is that of the DC coefficients; tables of the next lie behind it.
    const size_t first = whole.find("\xFF\xDA"), next = whole.find("\xFF\xC4", first);
    ASSERT_NE(next, whole.npos);
    const auto film = [&](const std::string& stream) {
      return with_fragments({stream}, "1.2.840.10008.1.2.4.51", scene_shape(bits));
    };
    EXPECT_EQ(kind_of(film(whole)), "read");
    for (const std::string& stream :
         {whole.substr(0, first) + whole.substr(next), whole.substr(0, next) + "\xFF\xD9"}) {
      EXPECT_EQ(kind_of(film(stream)), "damaged_pixel_data");
      EXPECT_EQ(parse_film(film(stream), "made", {true}).damage,
                "component 1 of 1 lacks scans of coefficient 0");
    }
  }
}

// They lose their end without a word, and no transfer syntax that is in use has them: DCMTK refuses them.
TEST(Damage, ArithmeticCodesAreNotRead) {
  for (const std::string& stream : {arithmetic_jpeg(), arithmetic_progressive_jpeg()})
    for (const bool allow : {false, true})
      EXPECT_EQ(kind_of(with_fragments({stream}, kBaseline, scene_shape()), {allow}), "truncated_pixel_data");
}

// Each thread's decoder is listened to by itself.
TEST(Damage, IsThatOfTheFilmAndNoOther) {
  const std::string good = scene_file(8, EXS_JPEGProcess1),
                    bad = with_fragments({holed(fragment_of(good))}, kBaseline, scene_shape());
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        const bool whole = (i + int(t)) % 2 == 0;
        wrong[t] += parse_film(whole ? good : bad, "made", {true}).damage.empty() != whole;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST(Damage, RleSegmentsUnfoldToTheirPlane) {
  const std::string plane(12, 'p');
  const auto film = [&](const std::string& stream) { return with_fragments({stream}, kRle, Shape()); };
  EXPECT_EQ(kind_of(film(rle_frame({plane}))), "read");
  EXPECT_EQ(kind_of(film(rle_frame({plane}) + std::string(6, '\0'))), "read") << "padding";
  EXPECT_EQ(kind_of(film(rle_frame({plane.substr(1)}))), "damaged_pixel_data");
  EXPECT_EQ(kind_of(film(rle_frame({plane + "q"}))), "damaged_pixel_data");
  EXPECT_EQ(kind_of(film(rle_frame({plane}) + "\1ab")), "damaged_pixel_data");
  EXPECT_EQ(kind_of(film(rle_frame({plane, plane}))), "truncated_pixel_data") << "of another picture";
  EXPECT_EQ(rle_damage(rle_frame({plane}), 1, 12), "");
  EXPECT_EQ(rle_damage(rle_frame({plane, plane}), 2, 12), "");
  // A repeated byte (G.3.1: code 257 - n), a code that does nothing, one byte of padding.
  std::string packed = rle_frame({""});
  packed += "\xF6x\x80\0y\0"s;  // 11 of x, nothing, 1 literal, padding
  EXPECT_EQ(rle_damage(packed, 1, 12), "");
  EXPECT_NE(rle_damage(packed, 1, 13), "");
  EXPECT_NE(rle_damage(packed, 1, 11), "");
  EXPECT_NE(rle_damage(std::string(63, '\0'), 1, 12), "");
}

std::string jpeg(const std::string& name) { return read_file("tests/fuzz/corpus/jpeg/" + name, 1 << 20); }

/// A colour JPEG's DICOM; its size is the stream's.
Film colour_film(const std::string& stream, const std::string& photometric) {
  const Picture p = parse_jpeg(jpeg("rgb.jpg"), "rgb.jpg");
  Shape s;
  s.rows = p.rows;
  s.columns = p.columns;
  s.photometric = photometric;
  s.samples = 3;
  return parse_film(with_fragments({stream}, kBaseline, s), "made");
}

/// The stream without its APP0, and with other component ids in its frame and scan headers.
std::string renamed(std::string stream, const std::string& ids) {
  const size_t app0 = stream.find("\xFF\xE0"s);
  stream.erase(app0, 2 + size_t(uint8_t(stream[app0 + 2])) * 256 + uint8_t(stream[app0 + 3]));
  const size_t frame = stream.find("\xFF\xC0"s), scan = stream.find("\xFF\xDA"s);
  for (size_t c = 0; c < 3; ++c) {
    stream[frame + 10 + 3 * c] = ids[c];
    stream[scan + 5 + 2 * c] = ids[c];
  }
  return stream;
}

std::string with_adobe(std::string stream, char transform) {
  return stream.insert(2, "\xFF\xEE\0\x0E"s + "Adobe\0\x64\0\0\0\0"s + transform);
}

// libjpeg and pydicom take a JFIF stream for YCbCr, whatever the DICOM header calls it: its first component
// is luma.
TEST(JpegColours, AsTheStreamSays) {
  const std::string jfif = jpeg("rgb.jpg");
  const Picture rgb = parse_jpeg(jfif, "rgb.jpg");
  ASSERT_EQ(rgb.samples, 3);
  std::vector<float> luma;
  for (size_t i = 0; i < rgb.count(); i += 3)
    luma.push_back(
        (0.299f * float(rgb.at(i)) + 0.587f * float(rgb.at(i + 1)) + 0.114f * float(rgb.at(i + 2))) / 255);
  const auto expect_luma = [&](const Film& film) {
    for (size_t i = 0; i < luma.size(); ++i) EXPECT_NEAR(film.image.pixels[i], luma[i], 3.0 / 255) << i;
  };
  const std::string ybr = renamed(jfif, "\1\2\3");
  for (const char* label : {"RGB", "YBR_FULL", "YBR_FULL_422"}) {
    SCOPED_TRACE(label);
    expect_luma(colour_film(jfif, label));
    expect_luma(colour_film(with_adobe(ybr, 1), label));
  }
  // Without a word in the stream the header decides.
  expect_luma(colour_film(ybr, "YBR_FULL"));
  const std::vector<float> as_rgb = colour_film(with_adobe(ybr, 0), "RGB").image.pixels;
  for (const char* label : {"RGB", "YBR_FULL", "YBR_FULL_422"}) {
    EXPECT_EQ(colour_film(renamed(jfif, "RGB"), label).image.pixels, as_rgb);
    EXPECT_EQ(colour_film(with_adobe(ybr, 0), label).image.pixels, as_rgb);
  }
  EXPECT_NE(as_rgb, colour_film(jfif, "RGB").image.pixels);
}

// DCMTK fills a third of the samples and leaves the rest black.
TEST(JpegColours, ComponentsAreTheHeadersSamples) {
  try {
    colour_film(jpeg("gray.jpg"), "RGB");
    ADD_FAILURE();
  } catch (const PictureError& e) {
    EXPECT_EQ(e.kind(), "bad_header");
    EXPECT_NE(std::string(e.what()).find("1 components"), std::string::npos) << e.what();
  }
}

TEST(JpegColours, ReadsMarkersOnly) {
  EXPECT_EQ(jpeg_colour(""), JpegColour::unsaid);
  EXPECT_EQ(jpeg_colour("\xFF\xD8\xFF\xE0\0"s), JpegColour::unsaid);
  EXPECT_EQ(jpeg_colour(jpeg("gray.jpg")), JpegColour::ybr);  // JFIF; asked of three components alone
  const std::string stream = jpeg("rgb.jpg");
  EXPECT_EQ(jpeg_colour(stream), JpegColour::ybr);
  for (size_t size = 0; size < stream.size(); ++size) jpeg_colour(stream.substr(0, size));
  std::string lossless = stream;
  lossless[stream.find("\xFF\xC0"s) + 1] = '\xC3';
  EXPECT_EQ(jpeg_colour(lossless), JpegColour::unsaid);
}

// Headers by ITU-T T.81 B.2.2 and B.2.3, T.87 C.2.2 and C.2.3.
TEST(LossyBits, AreReadOffTheHeaders) {
  const auto bits_of = [](char marker, char bits, char near = 0) {
    return lossy_bits("\xFF\xD8\xFF"s + marker + "\0\x0B"s + bits + "\0\1\0\1\1\1\x11\0"s +
                      "\xFF\xDA\0\x08\1\1\0"s + near + "\0\0 codes"s);
  };
  for (const char lossy : {'\xC0', '\xC1', '\xC2'}) EXPECT_EQ(bits_of(lossy, 12), 12);
  EXPECT_EQ(bits_of('\xC3', 12, 1), 0) << "lossless; 1 is its predictor";
  EXPECT_EQ(bits_of('\xF7', 16, 0), 0);
  EXPECT_EQ(bits_of('\xF7', 16, 3), 16);
  EXPECT_EQ(bits_of('\xC1', 99), 16) << "no codec has more";
  const std::string stream = fragment_of(scene_file(12, EXS_JPEGLSLossless));
  EXPECT_EQ(lossy_bits(stream), 0);
  for (size_t size = 0; size < 100; ++size) EXPECT_EQ(lossy_bits(stream.substr(0, size)), 0);
}

// A header of 8 bits over a JPEG of 12 was read as twice as many samples of half the width.
TEST(JpegBits, AreThoseOfTheHeader) {
  const std::string stream = fragment_of(scene_file(12, EXS_JPEGProcess14SV1)),
                    uid = DcmXfer(EXS_JPEGProcess14SV1).getXferID();
  EXPECT_EQ(kind_of(with_fragments({stream}, uid, scene_shape(12))), "read");
  EXPECT_EQ(kind_of(with_fragments({stream}, uid, scene_shape(8))), "bad_header");
  // 8 bits in 16: the stream's samples are bytes.
  Shape wide = scene_shape(8);
  wide.alloc = 16;
  const std::string narrow = scene_file(8, EXS_JPEGProcess14SV1);
  EXPECT_EQ(parse_film(with_fragments({fragment_of(narrow)}, uid, wide), "made").image.pixels,
            parse_film(narrow, "narrow").image.pixels);
  wide.bits = 12;
  EXPECT_EQ(kind_of(with_fragments({fragment_of(narrow)}, uid, wide)), "bad_header");
}

}  // namespace
}  // namespace cawe::data
