// SPDX-License-Identifier: Apache-2.0
#include "data/formats/dicom/decoder_log.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/oflog/appender.h>
#include <dcmtk/oflog/oflog.h>
#include <dcmtk/oflog/spi/logevent.h>

namespace cawe::data {
namespace {

thread_local DecoderLog* current = nullptr;

}  // namespace

/// Takes the decoders' warnings; DCMTK calls it from the thread that decodes.
class DecoderAppender : public dcmtk::log4cplus::Appender {
 public:
  ~DecoderAppender() override { destructorImpl(); }
  void close() override { closed = true; }

 protected:
  void append(const dcmtk::log4cplus::spi::InternalLoggingEvent& event) override {
    if (current == nullptr) return;
    const auto& text = event.getMessage();
    // libjpeg's warnings of data: "Corrupt JPEG data: ..." and "Premature end of JPEG file". Others are of
    // unusual headers.
    if (text.find("orrupt") == text.npos && text.find("remature") == text.npos) return;
    if (current->count_++ == 0) current->first_.assign(text.c_str(), text.size());
  }
};

DecoderLog::DecoderLog() { current = this; }

DecoderLog::~DecoderLog() { current = nullptr; }

std::string DecoderLog::damage() const {
  if (count_ < 2) return first_;
  return first_ + " (the first of " + std::to_string(count_) + " such places)";
}

void listen_to_decoders() {
  OFLogger log = OFLog::getLogger("dcmtk.dcmjpeg");
  log.setLogLevel(OFLogger::WARN_LOG_LEVEL);
  log.setAdditivity(false);
  log.addAppender(dcmtk::log4cplus::SharedAppenderPtr(new DecoderAppender));
}

}  // namespace cawe::data
