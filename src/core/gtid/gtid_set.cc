// SPDX-License-Identifier: Apache-2.0
#include "core/gtid/gtid_set.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "base/bytes.h"

namespace trivet::gtid {
namespace {

constexpr std::int64_t kNumberMax = std::numeric_limits<std::int64_t>::max() - 1;
constexpr std::size_t kTagCharactersMax = 32;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '\r')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

// Cuts `text` at the first `separator` and returns what was before it.
std::string_view take_until(std::string_view& text, char separator) {
  const auto at = text.find(separator);
  const std::string_view head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return head;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) {
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !hex) {
      return false;
    }
  }
  return true;
}

bool is_tag(std::string_view text) {
  if (text.empty() || text.size() > kTagCharactersMax || (text[0] >= '0' && text[0] <= '9')) {
    return false;
  }
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > kNumberMax) {
    return std::nullopt;
  }
  return value;
}

Error malformed(std::string_view part) {
  return make_error(Errc::kInvalidArgument, "malformed GTID set at '" + std::string(part) + "'");
}

}  // namespace

void GtidSet::normalise(std::vector<Interval>& intervals) {
  std::sort(intervals.begin(), intervals.end(),
            [](const Interval& a, const Interval& b) { return a.first < b.first; });
  std::vector<Interval> out;
  for (const Interval& next : intervals) {
    if (!out.empty() && next.first <= out.back().last + 1) {
      out.back().last = std::max(out.back().last, next.last);
    } else {
      out.push_back(next);
    }
  }
  intervals = std::move(out);
}

Result<GtidSet> GtidSet::parse(std::string_view text) {
  GtidSet out;
  while (!text.empty()) {
    std::string_view entry = trimmed(take_until(text, ','));
    if (entry.empty()) {
      continue;
    }
    const std::string uuid = to_lower(trimmed(take_until(entry, ':')));
    if (!is_uuid(uuid) || entry.empty()) {
      return malformed(uuid);
    }
    Source source{uuid, ""};
    bool tag_without_number = false;
    while (!entry.empty()) {
      std::string_view part = trimmed(take_until(entry, ':'));
      const std::string tag = to_lower(part);
      if (is_tag(tag)) {
        source.tag = tag;
        tag_without_number = true;
        continue;
      }
      const bool is_range = part.find('-') != std::string_view::npos;
      const auto first = number(take_until(part, '-'));
      const auto last = is_range ? number(part) : first;
      if (!first || !last) {
        return malformed(tag);
      }
      tag_without_number = false;
      if (*first <= *last) {  // MySQL takes "5-3" as the empty interval
        out.intervals_[source].push_back({*first, *last});
      }
    }
    if (tag_without_number) {
      return malformed(source.tag);
    }
  }
  for (auto& [source, intervals] : out.intervals_) {
    normalise(intervals);
  }
  return out;
}

std::string GtidSet::str() const {
  std::string out;
  std::string_view uuid;
  for (const auto& [source, intervals] : intervals_) {
    if (source.uuid != uuid) {
      out += (out.empty() ? "" : ",") + source.uuid;
      uuid = source.uuid;
    }
    if (!source.tag.empty()) {
      out += ":" + source.tag;
    }
    for (const Interval& i : intervals) {
      out += ":" + std::to_string(i.first);
      if (i.last != i.first) {
        out += "-" + std::to_string(i.last);
      }
    }
  }
  return out;
}

std::uint64_t GtidSet::count() const {
  std::uint64_t n = 0;
  for (const auto& [source, intervals] : intervals_) {
    for (const Interval& i : intervals) {
      n += static_cast<std::uint64_t>(i.last - i.first) + 1;
    }
  }
  return n;
}

bool GtidSet::contains(const GtidSet& other) const {
  for (const auto& [source, wanted] : other.intervals_) {
    const auto mine = intervals_.find(source);
    if (mine == intervals_.end()) {
      return false;
    }
    for (const Interval& want : wanted) {
      const bool held =
          std::any_of(mine->second.begin(), mine->second.end(), [&want](const Interval& have) {
            return have.first <= want.first && want.last <= have.last;
          });
      if (!held) {
        return false;
      }
    }
  }
  return true;
}

std::string Gtid::str() const {
  return uuid + ":" + (tag.empty() ? "" : tag + ":") + std::to_string(number);
}

bool GtidSet::has(const Gtid& one) const {
  const auto mine = intervals_.find(Source{one.uuid, one.tag});
  return mine != intervals_.end() &&
         std::any_of(mine->second.begin(), mine->second.end(), [&one](const Interval& have) {
           return have.first <= one.number && one.number <= have.last;
         });
}

void GtidSet::add(const Gtid& one) {
  auto& mine = intervals_[Source{one.uuid, one.tag}];
  mine.push_back({one.number, one.number});
  normalise(mine);
}

void GtidSet::add(const GtidSet& other) {
  for (const auto& [source, intervals] : other.intervals_) {
    auto& mine = intervals_[source];
    mine.insert(mine.end(), intervals.begin(), intervals.end());
    normalise(mine);
  }
}

GtidSet GtidSet::of_server(std::string_view uuid) const {
  GtidSet out;
  for (const auto& [source, intervals] : intervals_) {
    if (source.uuid == uuid) {
      out.intervals_.emplace(source, intervals);
    }
  }
  return out;
}

void GtidSet::subtract(const GtidSet& other) {
  for (const auto& [source, intervals] : other.intervals_) {
    const auto mine = intervals_.find(source);
    if (mine == intervals_.end()) {
      continue;
    }
    for (const Interval& gone : intervals) {
      std::vector<Interval> left;
      for (const Interval& have : mine->second) {
        if (gone.last < have.first || have.last < gone.first) {
          left.push_back(have);
          continue;
        }
        if (have.first < gone.first) {
          left.push_back({have.first, gone.first - 1});
        }
        if (gone.last < have.last) {
          left.push_back({gone.last + 1, have.last});
        }
      }
      mine->second = std::move(left);
    }
    if (mine->second.empty()) {
      intervals_.erase(mine);
    }
  }
}

GtidSet united(const GtidSet& a, const GtidSet& b) {
  GtidSet out = a;
  out.add(b);
  return out;
}

GtidSet minus(const GtidSet& a, const GtidSet& b) {
  GtidSet out = a;
  out.subtract(b);
  return out;
}

}  // namespace trivet::gtid
