#include "kernel/api/dmi.hpp"

#include "kernel/base/strings.hpp"
#include "kernel/sys/process.hpp"

#include <trellis/json.hpp>

#include <array>
#include <chrono>
#include <optional>

namespace trellis::api {
namespace {

constexpr std::chrono::seconds kToolTime(10);
constexpr std::size_t kMaxSections = 1024;
constexpr char const* kDecoder = "trellis dmi decoder 1";

/// Names of the structure types, by number. Part of the interface, the missing `e` too.
constexpr std::array<std::string_view, 43> kTypeNames{"BIOS",
                                                      "System",
                                                      "Baseboard",
                                                      "Chassis",
                                                      "Processor",
                                                      "MemoryController",
                                                      "MemoryModule",
                                                      "Cache",
                                                      "PortConnector",
                                                      "SystemSlots",
                                                      "OnBoardDevices",
                                                      "OEMSettings",
                                                      "SystemConfigurationOptions",
                                                      "BIOSLanguage",
                                                      "GroupAssociations",
                                                      "SystemEventLog",
                                                      "PhysicalMemoryArray",
                                                      "MemoryDevice",
                                                      "32BitMemoryError",
                                                      "MemoryArrayMappedAddress",
                                                      "MemoryDeviceMappedAddress",
                                                      "BuiltinPointingDevice",
                                                      "PortableBattery",
                                                      "SystemReset",
                                                      "HardwareSecurity",
                                                      "SystemPowerControls",
                                                      "VoltageProbe",
                                                      "CoolingDevice",
                                                      "TempratureProbe",
                                                      "ElectricalCurrentProbe",
                                                      "OutOfBandRemoteAccess",
                                                      "BootIntegrityServices",
                                                      "SystemBoot",
                                                      "64BitMemoryError",
                                                      "ManagementDevice",
                                                      "ManagementDeviceComponent",
                                                      "ManagementThresholdData",
                                                      "MemoryChannel",
                                                      "IPMIDevice",
                                                      "PowerSupply",
                                                      "AdditionalInformation",
                                                      "OnboardDeviceExtendedInformation",
                                                      "ManagementControllerHostInterface"};

std::size_t Indent(std::string_view line) {
  return std::min(line.find_first_not_of(" \t"), line.size());
}

/// "Handle 0x0001, DMI type 1, 27 bytes"
std::optional<std::uint32_t> TypeOf(std::string_view handle_line) {
  constexpr std::string_view kMark = "DMI type ";
  auto const at = handle_line.find(kMark);
  if (at == std::string_view::npos) return std::nullopt;
  auto const digits = handle_line.substr(at + kMark.size());
  auto const number = strings::ParseNumber<std::uint32_t>(digits.substr(0, digits.find(',')));
  return number ? std::optional(*number) : std::nullopt;
}

class Parser {
 public:
  void Line(std::string_view line) {
    if (strings::Trim(line).empty()) return End();
    if (line.starts_with("#") && tool_.empty())
      tool_ = strings::Trim(line.substr(1));
    else if (line.starts_with("Handle "))
      Begin(line);
    else if (section_.has_value())
      Inside(line);
  }

  std::string Finish() {
    End();
    boost::json::object const tooling{{"aggregator", tool_.empty() ? "unknown" : tool_},
                                      {"decoder", kDecoder}};
    return boost::json::serialize(
        boost::json::object{{"tooling", tooling}, {"sections", std::move(sections_)}});
  }

 private:
  void Begin(std::string_view line) {
    End();
    auto const type = TypeOf(line);
    if (!type.has_value() || sections_.size() >= kMaxSections) return;
    boost::json::object section{{"handleline", line}};
    section["typestr"] = *type < kTypeNames.size() ? std::string(kTypeNames[*type])
                                                   : fmt::format("Custom Type {}", *type);
    section["typenum"] = *type;
    section["subsections"] = boost::json::array();
    section_ = std::move(section);
  }

  void Inside(std::string_view line) {
    auto const indent = Indent(line);
    auto const text = strings::Trim(line);
    if (indent == 0) {  // a title
      EndPart();
      part_ = boost::json::object{{"title", text}, {"properties", boost::json::object()}};
      return;
    }
    if (!part_.has_value()) return;
    auto& properties = part_->at("properties").as_object();
    if (indent > key_indent_ && !key_.empty()) {  // an item of the property above
      auto& items = properties[key_].as_object()["items"];
      if (!items.is_array()) items = boost::json::array();
      items.as_array().emplace_back(text);
      return;
    }
    auto const colon = text.find(':');
    if (colon == std::string_view::npos) return;
    key_ = strings::Trim(text.substr(0, colon));
    key_indent_ = indent;
    properties[key_] = boost::json::object{{"value", strings::Trim(text.substr(colon + 1))}};
  }

  void EndPart() {
    key_.clear();
    if (!part_.has_value()) return;
    if (part_->at("properties").as_object().empty()) part_->erase("properties");
    section_->at("subsections").as_array().push_back(*std::move(part_));
    part_.reset();
  }
  void End() {
    EndPart();
    if (section_.has_value()) sections_.push_back(*std::move(section_));
    section_.reset();
  }

  std::string tool_;
  boost::json::array sections_;
  std::optional<boost::json::object> section_;
  std::optional<boost::json::object> part_;  // the subsection being read
  std::string key_;                          // its last property
  std::size_t key_indent_ = 0;
};

}  // namespace

std::string DmiJson(std::string_view dmidecode) {
  Parser parser;
  for (auto const line : strings::Split(dmidecode, '\n'))
    parser.Line(line);
  return parser.Finish();
}

std::string ReadDmi() {
  auto const text = sys::RunTool({"dmidecode"}, kToolTime);
  return DmiJson(text ? *text : std::string());
}

}  // namespace trellis::api
