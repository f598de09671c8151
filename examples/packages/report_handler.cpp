// Step report: a C++ handler in a plugin. Adds the sections up, names the largest ones and writes
// the report file.
//
// payload {"sections": [{"section", "packages", "size_kib", "largest"}], "file": path, "top": 5}
// result  {"packages", "size_kib", "sections", "top": [..], "file"}

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "executors/plugin.hpp"

namespace {

using nlohmann::json;

json summarize(const json& sections, std::size_t top) {
  std::int64_t packages = 0, size_kib = 0;
  std::vector<json> order(sections.begin(), sections.end());
  for (const json& s : order) {
    packages += s.at("packages").get<std::int64_t>();
    size_kib += s.at("size_kib").get<std::int64_t>();
  }
  std::ranges::sort(order, [](const json& a, const json& b) {
    if (a.at("size_kib") != b.at("size_kib")) return a.at("size_kib") > b.at("size_kib");
    return a.at("section") < b.at("section");
  });
  if (order.size() > top) order.resize(top);
  return {{"packages", packages},
          {"size_kib", size_kib},
          {"sections", sections.size()},
          {"top", order}};
}

std::string text_of(const json& report) {
  std::string text = "Installed packages: " + report["packages"].dump() +
                     "\nInstalled size: " + report["size_kib"].dump() +
                     " KiB\nSections: " + report["sections"].dump() + "\n\nTop sections by size\n";
  for (const json& s : report["top"])
    text += "  " + s["section"].get<std::string>() + ": " + s["packages"].dump() + " packages, " +
            s["size_kib"].dump() + " KiB, largest " +
            (s["largest"].is_string() ? s["largest"].get<std::string>() : "none") + "\n";
  return text;
}

// Written under another name first: a reader, or a second attempt, never sees half of it.
cascade::outcome report(const cascade::task_run& run) {
  const json payload = json::parse(run.payload);
  json result = summarize(payload.at("sections"), payload.value("top", std::size_t{5}));
  const std::string file = payload.at("file");
  const std::string draft = file + ".new";
  {
    std::ofstream out(draft, std::ios::trunc);
    out << text_of(result);
    if (!out.flush()) return cascade::outcome::retry("cannot write " + draft);
  }
  if (std::rename(draft.c_str(), file.c_str()) != 0)
    return cascade::outcome::retry("cannot write " + file);
  result["file"] = file;
  return cascade::outcome::success(result.dump());
}

}  // namespace

CASCADE_PLUGIN(handlers) { handlers.add("packages.report", report); }
