#include "kernel/api/dmi.hpp"

#include <trellis/json.hpp>

#include <gtest/gtest.h>

namespace trellis::api {
namespace {

constexpr std::string_view kOutput = R"(# dmidecode 3.4
Getting SMBIOS data from sysfs.
SMBIOS 2.8 present.

Handle 0x0000, DMI type 0, 24 bytes
BIOS Information
	Vendor: SeaBIOS
	Release Date: 04/01/2014
	Characteristics:
		Targeted content distribution is supported
		System is a virtual machine
	BIOS Revision: 0.0

Handle 0x0100, DMI type 1, 27 bytes
System Information
	Manufacturer: QEMU
	UUID: 3d1c7d33-aaaa: odd

Handle 0x7F00, DMI type 127, 4 bytes
End Of Table

Handle 0x8000, DMI type banana
Nonsense
)";

boost::json::object Parse(std::string_view text) {
  auto const value = json::ParseValue(DmiJson(text));
  return value ? value->as_object() : boost::json::object();
}

TEST(Dmi, TellsWhichToolReadTheTables) {
  auto const dmi = Parse(kOutput);

  EXPECT_EQ(dmi.at("tooling").at("aggregator"), "dmidecode 3.4");
  EXPECT_FALSE(dmi.at("tooling").at("decoder").as_string().empty());
}

TEST(Dmi, ShowsASectionForEachStructureItUnderstands) {
  auto const sections = Parse(kOutput).at("sections").as_array();

  ASSERT_EQ(sections.size(), 3U);
  EXPECT_EQ(sections[0].at("handleline"), "Handle 0x0000, DMI type 0, 24 bytes");
  EXPECT_EQ(sections[0].at("typestr"), "BIOS");
  EXPECT_EQ(sections[0].at("typenum"), 0);
  EXPECT_EQ(sections[1].at("typestr"), "System");
  EXPECT_EQ(sections[2].at("typestr"), "Custom Type 127");
}

TEST(Dmi, KeepsPropertiesWithTheirItems) {
  auto const dmi = Parse(kOutput);
  auto const& bios = dmi.at("sections").at(0).at("subsections").at(0);
  auto const& properties = bios.at("properties");

  EXPECT_EQ(bios.at("title"), "BIOS Information");
  EXPECT_EQ(boost::json::serialize(properties.at("Vendor")), R"({"value":"SeaBIOS"})");
  EXPECT_EQ(boost::json::serialize(properties.at("Characteristics")),
            R"({"value":"","items":["Targeted content distribution is supported",)"
            R"("System is a virtual machine"]})");
  EXPECT_EQ(properties.at("BIOS Revision").at("value"), "0.0");
  EXPECT_EQ(
      dmi.at("sections").at(1).at("subsections").at(0).at("properties").at("UUID").at("value"),
      "3d1c7d33-aaaa: odd");
}

TEST(Dmi, LeavesOutEmptyProperties) {
  auto const dmi = Parse(kOutput);
  auto const& end = dmi.at("sections").at(2).at("subsections").at(0);

  EXPECT_EQ(boost::json::serialize(end), R"({"title":"End Of Table"})");
}

TEST(Dmi, HasNoSectionsWithoutATool) {
  EXPECT_TRUE(Parse("").at("sections").as_array().empty());
  EXPECT_TRUE(Parse("\n\t\tstray\nHandle\n").at("sections").as_array().empty());
}

}  // namespace
}  // namespace trellis::api
