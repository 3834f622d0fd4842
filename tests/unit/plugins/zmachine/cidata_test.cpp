#include "plugins/zmachine/cidata.hpp"

#include <blkid/blkid.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace trellis::plugins::zmachine {
namespace {

using Image = std::vector<std::uint8_t>;

std::size_t Get(Image const& image, std::size_t at, std::size_t bytes) {
  std::size_t value = 0;
  for (std::size_t i = bytes; i > 0; --i)
    value = value << 8U | image[at + i - 1];
  return value;
}

/// An independent reader: long names and FAT12 chains by the offsets of the boot sector.
std::map<std::string, std::string> ReadFiles(Image const& image) {
  std::size_t const sector = Get(image, 11, 2);
  std::size_t const cluster_size = image[13] * sector;
  std::size_t const fat = Get(image, 14, 2) * sector;
  std::size_t const root = fat + image[16] * Get(image, 22, 2) * sector;
  std::size_t const data = root + Get(image, 17, 2) * 32;
  std::map<std::string, std::string> files;
  std::string name;
  for (std::size_t at = root; at < data && image[at] != 0; at += 32) {
    if (image[at + 11] == 0x08) continue;
    if (image[at + 11] == 0x0f) {
      std::string part;
      for (std::size_t i : {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30}) {
        std::size_t const unit = Get(image, at + i, 2);
        if (unit == 0) break;
        part += static_cast<char>(unit);
      }
      name = part + name;
      continue;
    }
    std::string content;
    std::size_t const size = Get(image, at + 28, 4);
    std::size_t cluster = Get(image, at + 26, 2);
    while (content.size() < size && cluster >= 2 && cluster < 0xff8) {
      std::size_t const start = data + (cluster - 2) * cluster_size;
      content.append(image.begin() + static_cast<std::ptrdiff_t>(start),
                     image.begin() + static_cast<std::ptrdiff_t>(start + cluster_size));
      std::size_t const pair = Get(image, fat + cluster * 3 / 2, 2);
      cluster = cluster % 2 == 0 ? pair & 0xfffU : pair >> 4U;
    }
    content.resize(std::min(size, content.size()));
    files[name] = content;
    name.clear();
  }
  return files;
}

std::string Probe(Image const& image, char const* key) {
  int const fd = ::memfd_create("cidata", MFD_CLOEXEC);
  EXPECT_EQ(::write(fd, image.data(), image.size()), static_cast<ssize_t>(image.size()));
  blkid_probe probe = blkid_new_probe();
  blkid_probe_set_device(probe, fd, 0, 0);
  char const* value = nullptr;
  std::string out;
  if (blkid_do_safeprobe(probe) == 0 &&
      blkid_probe_lookup_value(probe, key, &value, nullptr) == 0) {
    out = value;
  }
  blkid_free_probe(probe);
  ::close(fd);
  return out;
}

TEST(Cidata, IsRecognisedAsFatWithLabel) {
  auto const image = BuildCidataImage(std::vector<CidataFile>{{"meta-data", "x"}});

  ASSERT_TRUE(image);
  EXPECT_EQ(image->size(), kCidataSize);
  EXPECT_EQ(Probe(*image, "TYPE"), "vfat");
  EXPECT_EQ(Probe(*image, "LABEL"), "cidata");
}

TEST(Cidata, ReadsBackEqual) {
  std::vector<CidataFile> files(5);
  files[0] = {"meta-data", "short"};
  files[1] = {"a-file-name-of-exactly-forty-characters.t", "long name"};
  files[2] = {"exactly13byte", ""};
  files[3] = {"user-data", std::string(2048, 'a')};
  files[4] = {"zosrc", std::string(100'001, 'b')};

  auto const read = ReadFiles(BuildCidataImage(files).value());

  ASSERT_EQ(read.size(), files.size());
  for (auto const& file : files)
    EXPECT_EQ(read.at(file.name), file.content) << file.name;
}

TEST(Cidata, HoldsTheFourFilesOfAGuest) {
  GuestConfig config;
  config.id = "7-100-vm1";
  config.hostname = "vm1";

  auto const read = ReadFiles(BuildCidataImage(config).value());

  EXPECT_EQ(read.size(), 4U);
  EXPECT_EQ(read.at("meta-data"),
            "#cloud-config\ninstance-id: \"7-100-vm1\"\nlocal-hostname: \"vm1\"\n");
  EXPECT_EQ(read.at("network-config"), NetworkConfigText(config));
  EXPECT_EQ(read.at("user-data"), "#cloud-config\nusers: []\n");
  EXPECT_EQ(read.at("zosrc"), "init='/sbin/init'\n");
}

TEST(Cidata, RefusesWhatDoesNotFit) {
  auto const image =
      BuildCidataImage(std::vector<CidataFile>{{"big", std::string(kCidataSize, 'x')}});

  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code, Code::kExhausted);
  EXPECT_EQ(image.error().message, "machine configuration does not fit the cidata volume");
}

TEST(Cidata, RefusesBadAndRepeatedNames) {
  for (std::string const name : {"", "a/b", "a:b", "dot.", "blank "}) {
    EXPECT_FALSE(BuildCidataImage(std::vector<CidataFile>{{name, ""}})) << name;
  }
  EXPECT_FALSE(BuildCidataImage(std::vector<CidataFile>{{"ZOSRC", ""}, {"zosrc", ""}}));
}

}  // namespace
}  // namespace trellis::plugins::zmachine
