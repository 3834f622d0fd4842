#include "kernel/base/log.hpp"

#include <pthread.h>
#include <spdlog/async.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <memory>

namespace trellis::log {
namespace {

// Lines that wait for a slow reader of the log; above, the oldest are dropped: a full pipe must not
// stop the node.
constexpr std::size_t kMaxWaiting = 8192;
constexpr std::array<std::string_view, 4> kLevelNames{"debug", "info", "warn", "error"};

/// What lines go to. Replaced once by Configure; shared by callers that are logging meanwhile.
struct Output {
  Format format = Format::kText;
  std::shared_ptr<spdlog::details::thread_pool> pool;  // empty: lines are written by the caller
  std::shared_ptr<spdlog::logger> logger;

  Output() = default;
  Output(Output const&) = delete;
  Output& operator=(Output const&) = delete;
  ~Output() {
    if (logger) logger->flush();
  }
};

void SetPattern(Output& output) {
  char const* const pattern = output.format == Format::kJson
                                  ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v)"
                                  : "%Y-%m-%d %H:%M:%S.%e %v";
  auto const zone = output.format == Format::kJson ? spdlog::pattern_time_type::utc
                                                   : spdlog::pattern_time_type::local;
  output.logger->set_pattern(pattern, zone);
  output.logger->set_level(spdlog::level::trace);
  output.logger->flush_on(spdlog::level::trace);
}

std::shared_ptr<Output> MakeDefault() {
  auto output = std::make_shared<Output>();
  output->logger =
      std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  SetPattern(*output);
  return output;
}

// The one place with process-wide state of logging; atomics make it safe for use by several
// threads.
std::atomic<std::shared_ptr<Output>>& Current() {
  static std::atomic<std::shared_ptr<Output>> current(MakeDefault());
  return current;
}

std::atomic<Level>& CurrentLevel() {
  static std::atomic<Level> level(Level::kInfo);
  return level;
}

std::string Quoted(std::string_view text) {
  return boost::json::serialize(text);
}

bool IsBare(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c != '"' && c != '=' && c != '\\' && c != 0x7f;
  });
}

std::string ValueText(Field::Value const& value, Format format) {
  auto const* const text = std::get_if<std::string_view>(&value);
  if (text != nullptr) {
    bool const bare = format == Format::kText && IsBare(*text);
    return bare ? std::string(*text) : Quoted(*text);
  }
  return std::visit(
      [](auto const& number) {
        if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(number)>>) {
          return fmt::format("{}", number);
        } else {
          return std::string();
        }
      },
      value);
}

std::string MakeLine(Level level, std::string_view message, std::span<Field const> fields,
                     Format format) {
  auto const level_name = kLevelNames[static_cast<std::size_t>(level)];
  bool const json = format == Format::kJson;
  std::string line = json ? fmt::format(R"("level":"{}","message":{})", level_name, Quoted(message))
                          : fmt::format("{:<5} {}", level_name, message);
  for (auto const& field : fields) {
    auto const value = ValueText(field.value(), format);
    line += json ? fmt::format(",{}:{}", Quoted(field.name()), value)
                 : fmt::format(" {}={}", field.name(), value);
  }
  if (json) line += '}';
  return line;
}

}  // namespace

Result<void> Configure(Format format, std::string_view file) {
  auto output = std::make_shared<Output>();
  output->format = format;
  try {  // spdlog throws when a file cannot be opened
    spdlog::sink_ptr sink;
    if (file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(std::string(file));
    }
    output->pool = std::make_shared<spdlog::details::thread_pool>(
        kMaxWaiting, 1, [] { pthread_setname_np(pthread_self(), "log"); });
    output->logger = std::make_shared<spdlog::async_logger>(
        "", std::move(sink), output->pool, spdlog::async_overflow_policy::overrun_oldest);
  } catch (std::exception const& failure) {
    return Fail(Code::kIo, "open log '{}': {}", file, failure.what());
  }
  SetPattern(*output);
  Current().store(std::move(output));
  return {};
}

void SetLevel(Level level) {
  CurrentLevel().store(level);
}

bool IsOn(Level level) {
  return level >= CurrentLevel().load(std::memory_order_relaxed);
}

Result<Level> ParseLevel(std::string_view text) {
  auto const found = std::ranges::find(kLevelNames, text);
  if (found == kLevelNames.end())
    return Fail(Code::kInvalid, "unknown log level '{}': one of debug, info, warn, error", text);
  return static_cast<Level>(found - kLevelNames.begin());
}

void Write(Level level, std::string_view message, std::span<Field const> fields) {
  if (!IsOn(level)) return;
  auto const output = Current().load();
  output->logger->log(spdlog::level::info,
                      spdlog::string_view_t(MakeLine(level, message, fields, output->format)));
}

void Debug(std::string_view message, Fields fields) {
  Write(Level::kDebug, message, std::span(fields.begin(), fields.size()));
}
void Info(std::string_view message, Fields fields) {
  Write(Level::kInfo, message, std::span(fields.begin(), fields.size()));
}
void Warn(std::string_view message, Fields fields) {
  Write(Level::kWarn, message, std::span(fields.begin(), fields.size()));
}
void Error(std::string_view message, Fields fields) {
  Write(Level::kError, message, std::span(fields.begin(), fields.size()));
}

}  // namespace trellis::log
