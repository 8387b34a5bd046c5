// SPDX-License-Identifier: Apache-2.0
// What parent and child of data/jail.h say to each other: numbers and texts one after another, in this machine's byte
// order. The parent reads answers as it would a stranger's file: a broken decoder may have written them.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "data/formats/dicom/film.h"
#include "data/formats/picture/picture.h"
#include "data/jail.h"

namespace cawe::data::jail {

enum class Ask : uint8_t { film, picture };
enum class Answer : uint8_t { done, picture_error, error };
/// A new child's first message; any other: it has no filter of the system's calls.
constexpr std::string_view kFiltered = "f";
/// Most bytes of an answer: the largest picture's samples as numbers, and some text.
constexpr size_t kMostAnswer = size_t(kMaxSamples) * sizeof(float) + (size_t(1) << 20);

/// Time for a film whose file has so many bytes.
inline double seconds_for(size_t bytes) { return kDecodeSeconds + double(bytes) / double(1 << 20); }

class Message {
 public:
  template <class T>
  void number(T v) {
    static_assert(std::is_trivially_copyable<T>::value, "numbers only");
    bytes_.append(reinterpret_cast<const char*>(&v), sizeof v);
  }
  void text(std::string_view v) {
    number(uint64_t(v.size()));
    bytes_.append(v);
  }
  const std::string& bytes() const { return bytes_; }
  std::string take() && { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Reads such a message; throws Error(data) where it ends too early.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  template <class T>
  T number() {
    T v;
    std::memcpy(&v, take(sizeof v).data(), sizeof v);
    return v;
  }
  std::string text() { return std::string(take(number<uint64_t>())); }
  std::string_view take(uint64_t count) {
    CAWE_CHECK(count <= left_.size(), Code::data, "an answer that is not whole");
    const std::string_view taken = left_.substr(0, size_t(count));
    left_.remove_prefix(size_t(count));
    return taken;
  }
  bool empty() const { return left_.empty(); }

 private:
  std::string_view left_;
};

/// A request without the film's bytes, which follow it.
inline Message request_head(Ask what, size_t bytes, const std::string& name, const ReadOptions& options) {
  Message m;
  m.number(what);
  for (const bool on : {options.allow_damaged, options.as_stored, options.origin}) m.number(uint8_t(on));
  m.text(name);
  m.number(uint64_t(bytes));
  return m;
}

/// What the child threw. Without a kind: an Error of this code.
struct Refusal {
  std::string kind, message;
  Code code = Code::data;
};
inline Refusal get_refusal(Answer status, Reader* r) {
  CAWE_CHECK(status == Answer::picture_error || status == Answer::error, Code::data, "an answer of no kind");
  Refusal refusal;
  if (status == Answer::picture_error) {
    refusal.kind = r->text();
    CAWE_CHECK(!refusal.kind.empty(), Code::data, "a refusal of no kind");
  } else if (const int code = r->number<int>(); code == int(Code::unsupported) || code == int(Code::io)) {
    refusal.code = Code(code);
  }
  refusal.message = r->text();
  return refusal;
}

inline void put(Message* m, const DicomTags& t) {
  for (const std::string* text : {&t.patient_id, &t.study_instance, &t.sop_instance, &t.sex, &t.view})
    m->text(*text);
  m->number(t.age);
  m->number(t.bits);
  m->number(uint8_t(t.burned_in));
}
inline DicomTags get_tags(Reader* r) {
  DicomTags t;
  for (std::string* text : {&t.patient_id, &t.study_instance, &t.sop_instance, &t.sex, &t.view})
    *text = r->text();
  t.age = r->number<float>();
  t.bits = r->number<int>();
  CAWE_CHECK(t.bits >= 1 && t.bits <= 16, Code::data, "an answer of ", t.bits, " bits a sample");
  t.burned_in = r->number<uint8_t>() != 0;
  return t;
}

inline void put(Message* m, const DicomOrigin& o) {
  for (const std::string* text : {&o.sop_class, &o.sop_instance, &o.study_instance, &o.series_instance,
                                  &o.key, &o.patient_id, &o.lossy_ratio, &o.lossy_method})
    m->text(*text);
  m->number(uint8_t(o.lossy));
  for (const auto* list : {&o.patient, &o.study, &o.image}) {
    m->number(uint32_t(list->size()));
    for (const DicomAttribute& a : *list) {
      m->number(a.group);
      m->number(a.number);
      m->text(a.vr);
      m->text(a.value);
    }
  }
}
inline DicomOrigin get_origin(Reader* r) {
  DicomOrigin o;
  for (std::string* text : {&o.sop_class, &o.sop_instance, &o.study_instance, &o.series_instance, &o.key,
                            &o.patient_id, &o.lossy_ratio, &o.lossy_method})
    *text = r->text();
  o.lossy = r->number<uint8_t>() != 0;
  for (auto* list : {&o.patient, &o.study, &o.image}) {
    uint32_t left = r->number<uint32_t>();
    CAWE_CHECK(left <= kMostOriginAttributes, Code::data, "attributes that no derived image takes over");
    for (; left > 0; --left) {
      DicomAttribute a;
      a.group = r->number<unsigned>();
      a.number = r->number<unsigned>();
      a.vr = r->text();
      a.value = r->text();
      list->push_back(std::move(a));
    }
  }
  CAWE_CHECK(is_origin(o), Code::data, "attributes that no derived image takes over");
  return o;
}

inline void put(Message* m, const Film& f) {
  put(m, f.tags);
  put(m, f.origin);
  m->text(f.damage);
  m->number(f.image.width);
  m->number(f.image.height);
  m->text({reinterpret_cast<const char*>(f.image.pixels.data()), f.image.pixels.size() * sizeof(float)});
}
inline Film get_film(Reader* r) {
  Film f;
  f.tags = get_tags(r);
  f.origin = get_origin(r);
  f.damage = r->text();
  const int width = r->number<int>(), height = r->number<int>();
  const std::string_view pixels = r->take(r->number<uint64_t>());
  CAWE_CHECK(width > 0 && height > 0 && width <= kMaxSide && height <= kMaxSide &&
                 pixels.size() == size_t(width) * size_t(height) * sizeof(float),
             Code::data, "an answer of another size than it says");
  f.image = FloatImage(width, height, 1);
  std::memcpy(f.image.pixels.data(), pixels.data(), pixels.size());
  for (const float v : f.image.pixels)
    CAWE_CHECK(v >= 0 && v <= 1, Code::data, "an answer with a gray value of ", v);
  return f;
}

inline void put(Message* m, const Picture& p) {
  for (const int v : {p.rows, p.columns, p.frames, p.samples, p.bits_allocated, p.bits_stored, p.orientation,
                      int(p.is_signed)})
    m->number(v);
  for (const std::string* text : {&p.kind, &p.photometric, &p.transfer_syntax, &p.damage}) m->text(*text);
  m->text({reinterpret_cast<const char*>(p.bytes.data()), p.bytes.size()});
}
inline Picture get_picture(Reader* r) {
  Picture p;
  for (int* v :
       {&p.rows, &p.columns, &p.frames, &p.samples, &p.bits_allocated, &p.bits_stored, &p.orientation})
    *v = r->number<int>();
  p.is_signed = r->number<int>() != 0;
  for (std::string* text : {&p.kind, &p.photometric, &p.transfer_syntax, &p.damage}) *text = r->text();
  const std::string_view bytes = r->take(r->number<uint64_t>());
  // Every factor first: their product must not wrap around.
  const bool fits = p.rows > 0 && p.rows <= kMaxSide && p.columns > 0 && p.columns <= kMaxSide &&
                    p.frames > 0 && p.frames <= kMaxSamples && p.samples > 0 && p.samples <= 4 &&
                    (p.bits_allocated == 8 || p.bits_allocated == 16) && p.bits_stored > 0 &&
                    p.bits_stored <= p.bits_allocated && p.orientation >= 1 && p.orientation <= 8 &&
                    int64_t(p.rows) * p.columns * p.samples <= kMaxSamples / p.frames &&
                    bytes.size() == p.count() * size_t(p.bits_allocated / 8);
  CAWE_CHECK(fits, Code::data, "an answer of another size than it says");
  p.bytes.assign(bytes.begin(), bytes.end());
  return p;
}

}  // namespace cawe::data::jail
