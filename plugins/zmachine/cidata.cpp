#include "plugins/zmachine/cidata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <set>
#include <string_view>

namespace trellis::plugins::zmachine {
namespace {

constexpr std::size_t kSector = 512;
constexpr std::size_t kClusterSectors = 4;
constexpr std::size_t kCluster = kSector * kClusterSectors;
constexpr std::size_t kFatSectors = 3;
constexpr std::size_t kFats = 2;
constexpr std::size_t kRootEntries = 512;
constexpr std::size_t kEntry = 32;
constexpr std::size_t kRootStart = kSector * (1 + kFats * kFatSectors);
constexpr std::size_t kDataStart = kRootStart + kRootEntries * kEntry;
// 3 sectors hold 1024 entries of 12 bits; the data area has a little fewer clusters.
constexpr std::size_t kClusters = (kCidataSize - kDataStart) / kCluster;
constexpr std::size_t kFirstCluster = 2;
constexpr unsigned kEndOfChain = 0xfff;
constexpr std::string_view kLabel = "cidata     ";  // lower case: the guest's search is exact
constexpr std::uint8_t kAttrReadOnly = 0x01;
constexpr std::uint8_t kAttrVolume = 0x08;
constexpr std::uint8_t kAttrLongName = 0x0f;
constexpr std::size_t kNamePart = 13;  // UTF-16 units in one long-name entry

using Image = std::vector<std::uint8_t>;

void Put16(Image& image, std::size_t at, std::size_t value) {
  image[at] = static_cast<std::uint8_t>(value & 0xffU);
  image[at + 1] = static_cast<std::uint8_t>((value >> 8U) & 0xffU);
}

void Put32(Image& image, std::size_t at, std::size_t value) {
  Put16(image, at, value & 0xffffU);
  Put16(image, at + 2, value >> 16U);
}

void PutText(Image& image, std::size_t at, std::string_view text) {
  std::copy(text.begin(), text.end(), image.begin() + static_cast<std::ptrdiff_t>(at));
}

void WriteBootSector(Image& image) {
  image[0] = 0xeb;
  image[1] = 0x3c;
  image[2] = 0x90;
  PutText(image, 3, "TRELLIS ");
  Put16(image, 11, kSector);
  image[13] = kClusterSectors;
  Put16(image, 14, 1);
  image[16] = kFats;
  Put16(image, 17, kRootEntries);
  Put16(image, 19, kCidataSize / kSector);
  image[21] = 0xf8;
  Put16(image, 22, kFatSectors);
  Put16(image, 24, 32);
  Put16(image, 26, 64);
  image[36] = 0x80;
  image[38] = 0x29;
  Put32(image, 39, 0x54524c53);
  PutText(image, 43, kLabel);
  PutText(image, 54, "FAT12   ");
  image[510] = 0x55;
  image[511] = 0xaa;
}

void SetFat(Image& image, std::size_t cluster, unsigned value) {
  for (std::size_t fat = 0; fat < kFats; ++fat) {
    std::size_t const at = kSector * (1 + fat * kFatSectors) + cluster + cluster / 2;
    unsigned const old = image[at] | static_cast<unsigned>(image[at + 1]) << 8U;
    unsigned const pair =
        cluster % 2 == 0 ? (old & 0xf000U) | value : (old & 0x000fU) | value << 4U;
    Put16(image, at, pair);
  }
}

/// The 8.3 name that no reader shows: unique by its number, invalid as a long name's twin.
std::string ShortName(std::size_t number) {
  return fmt::format("CFG~{:<4}DAT", number);
}

std::uint8_t ShortNameSum(std::string_view name) {
  unsigned sum = 0;
  for (char const c : name) {
    sum = ((sum & 1U) << 7U) + (sum >> 1U) + static_cast<unsigned char>(c);
    sum &= 0xffU;
  }
  return static_cast<std::uint8_t>(sum);
}

void WriteLongNamePart(Image& image, std::size_t at, std::string_view name, std::size_t part,
                       std::uint8_t sum) {
  constexpr std::array<std::size_t, kNamePart> kOffsets = {1,  3,  5,  7,  9,  14, 16,
                                                           18, 20, 22, 24, 28, 30};
  std::size_t const parts = (name.size() + kNamePart - 1) / kNamePart;
  image[at] = static_cast<std::uint8_t>((part + 1) | (part + 1 == parts ? 0x40U : 0U));
  image[at + 11] = kAttrLongName;
  image[at + 13] = sum;
  for (std::size_t i = 0; i < kNamePart; ++i) {
    std::size_t const index = part * kNamePart + i;
    std::size_t unit = 0xffff;
    if (index < name.size()) unit = static_cast<unsigned char>(name[index]);
    if (index == name.size()) unit = 0;
    Put16(image, at + kOffsets[i], unit);
  }
}

Result<void> CheckName(std::string const& name, std::set<std::string>& seen) {
  constexpr std::string_view kForbidden = "\"*/:<>?\\|";
  constexpr std::size_t kMaxName = 255;
  bool const good = !name.empty() && name.size() <= kMaxName && name.back() != '.' &&
                    name.back() != ' ' && std::all_of(name.begin(), name.end(), [&](char c) {
                      return c >= ' ' && c < 0x7f && kForbidden.find(c) == std::string_view::npos;
                    });
  if (!good) return Fail(Code::kInvalid, "invalid file name '{}' for the cidata volume", name);
  std::string folded = name;  // FAT names do not distinguish case
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (!seen.insert(folded).second) {
    return Fail(Code::kInvalid, "file '{}' is twice on the cidata volume", name);
  }
  return {};
}

/// Places files one after the other.
class Writer {
 public:
  Writer() : image_(kCidataSize) {
    WriteBootSector(image_);
    SetFat(image_, 0, 0xff8);
    SetFat(image_, 1, kEndOfChain);
    PutText(image_, kRootStart, kLabel);
    image_[kRootStart + 11] = kAttrVolume;
  }

  Result<void> Add(CidataFile const& file) {
    std::size_t const clusters = (file.content.size() + kCluster - 1) / kCluster;
    std::size_t const parts = (file.name.size() + kNamePart - 1) / kNamePart;
    if (next_cluster_ + clusters > kClusters + kFirstCluster ||
        next_entry_ + parts + 1 > kRootEntries) {
      return Fail(Code::kExhausted, "machine configuration does not fit the cidata volume");
    }
    WriteEntries(file, parts, clusters);
    PutText(image_, kDataStart + (next_cluster_ - kFirstCluster) * kCluster, file.content);
    for (std::size_t i = 0; i < clusters; ++i, ++next_cluster_) {
      SetFat(image_, next_cluster_,
             i + 1 == clusters ? kEndOfChain : static_cast<unsigned>(next_cluster_ + 1));
    }
    return {};
  }

  Image Take() && { return std::move(image_); }

 private:
  void WriteEntries(CidataFile const& file, std::size_t parts, std::size_t clusters) {
    std::string const short_name = ShortName(++files_);
    std::uint8_t const sum = ShortNameSum(short_name);
    for (std::size_t part = parts; part > 0; --part) {
      WriteLongNamePart(image_, kRootStart + kEntry * next_entry_++, file.name, part - 1, sum);
    }
    std::size_t const at = kRootStart + kEntry * next_entry_++;
    PutText(image_, at, short_name);
    image_[at + 11] = kAttrReadOnly;
    Put16(image_, at + 24, 0x21);  // 1980-01-01: the same input gives the same bytes
    Put16(image_, at + 26, clusters == 0 ? 0 : next_cluster_);
    Put32(image_, at + 28, file.content.size());
  }

  Image image_;
  std::size_t next_cluster_ = kFirstCluster;
  std::size_t next_entry_ = 1;
  std::size_t files_ = 0;
};

}  // namespace

Result<std::vector<std::uint8_t>> BuildCidataImage(std::vector<CidataFile> const& files) {
  Writer writer;
  std::set<std::string> seen;
  for (auto const& file : files) {
    TRELLIS_CHECK(CheckName(file.name, seen));
    TRELLIS_CHECK(writer.Add(file));
  }
  return std::move(writer).Take();
}

Result<std::vector<std::uint8_t>> BuildCidataImage(GuestConfig const& config) {
  TRELLIS_TRY(auto zosrc, ZosRcText(config));
  return BuildCidataImage({{"meta-data", MetaDataText(config)},
                           {"network-config", NetworkConfigText(config)},
                           {"user-data", UserDataText(config)},
                           {"zosrc", std::move(zosrc)}});
}

}  // namespace trellis::plugins::zmachine
