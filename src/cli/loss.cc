// SPDX-License-Identifier: Apache-2.0
#include "cli/loss.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace trivet::cli {

using nlohmann::json;

Result<Loss> parse_loss(std::string_view text) {
  try {
    const json j = json::parse(text);
    Loss out;
    out.waiting_for = j.at("waiting_for").get<std::string>();
    for (const json& offer : j.at("offers")) {
      out.offers.push_back(
          {offer.at("member").get<std::string>(), offer.at("held").get<std::string>(),
           offer.at("lacks").get<std::string>(), offer.at("lacks_count").get<std::uint64_t>()});
    }
    for (const json& gone : j.at("absent")) {
      const json& heard = gone.at("last_heard");
      out.absent.push_back({gone.at("member").get<std::string>(),
                            heard.is_null() ? std::string() : heard.get<std::string>()});
    }
    if (!out.offers.empty()) {
      return out;
    }
  } catch (const json::exception&) {  // answered below
  }
  return make_error(Errc::kCorrupt, "trivetd's answer on what would be lost cannot be read");
}

Result<LossOffer> choose_offer(const Loss& loss, const std::string& member) {
  std::string names;
  for (const LossOffer& offer : loss.offers) {
    if (member.empty() || offer.member == member) {
      return offer;
    }
    names += (names.empty() ? "" : ", ") + offer.member;
  }
  return make_error(Errc::kConflict,
                    fmt::format("{} does not answer; who could write: {}", member, names));
}

std::string describe_loss(const Loss& loss, const LossOffer& offer) {
  std::string out =
      fmt::format("There is no writer; the election waits for {}.\n", loss.waiting_for);
  out += fmt::format("{} would write with what it holds:\n  {}\n", offer.member, offer.held);
  if (offer.lacks_count == 0) {
    out += "Nothing is known that it lacks.\n";
  } else {
    out += fmt::format("It lacks {} transaction{} that others hold or held:\n  {}\n",
                       offer.lacks_count, offer.lacks_count == 1 ? "" : "s", offer.lacks);
  }
  for (const Loss::Absent& gone : loss.absent) {
    out += fmt::format(
        "{} was last heard of {}: what was committed since then may be lost and is not counted.\n",
        gone.member,
        gone.last_heard.empty() ? "before this daemon started" : "at " + gone.last_heard);
  }
  return out +
         "A member that comes back later gives up what the new writer lacks; where that can be cut "
         "off it is\nkept under its lost+found. If there is any hope for the missing members, "
         "bring them back instead.\n";
}

}  // namespace trivet::cli
