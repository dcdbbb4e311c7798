#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checks notice what they are for. Run by tools/dev check."""
import unittest

import check_docs
import check_layers
import sources
import tidy

RULES = check_layers.Rules((sources.ROOT / "layers.toml").read_text(encoding="utf-8"))


def include(path, name, angled=False):
    layer = RULES.layer_of(path.removeprefix("src/"))
    return check_layers.check_include(RULES, path, name, angled, layer)


class Layers(unittest.TestCase):
    def test_down_only(self):
        self.assertIsNone(include("src/service/x.cc", "ports/state_store.h"))
        self.assertIsNotNone(include("src/service/x.cc", "adapter/mysql/admin.h"))
        self.assertIsNotNone(include("src/core/policy/x.cc", "ports/state_store.h"))
        self.assertIsNotNone(include("src/adapter/mysql/x.cc", "adapter/process/child.h"))
        self.assertIsNotNone(include("src/api/x.cc", "net/http_server.h"))
        self.assertIsNone(include("src/api/x.cc", "net/http_types.h"))

    def test_external_libraries_have_one_place(self):
        self.assertIsNone(include("src/base/crypto.cc", "openssl/evp.h", True))
        self.assertIsNotNone(include("src/net/tls.cc", "openssl/evp.h", True))
        self.assertIsNotNone(include("src/model/codec.h", "nlohmann/json.hpp", True))
        self.assertIsNone(include("src/model/codec.h", "nlohmann/json_fwd.hpp", True))
        self.assertIsNotNone(include("src/api/x.cc", "unheard/of.hpp", True))

    def test_core_is_pure(self):
        self.assertIsNotNone(include("src/core/gtid/x.cc", "unistd.h", True))
        code = sources.code_only('// try\nint strand(int);\nauto s = "throw";\nauto t = C::now();\n')
        words = [word for _, word in check_layers.banned_words(code, RULES.layers["core"]["ban"])]
        self.assertEqual(words, ["::now("])


class Sizes(unittest.TestCase):
    CODE = """
namespace a {
struct S { int x = 1; };
const std::vector<int> kTable = {
  1,
};
S::S(int x) : x_{x}, y_(x) {
  if (x) {
    f();
  }
}
class T {
  auto g() const -> int {
    return 1;
  }
};
TEST(Thing, DoesIt) {
}
}
"""

    def test_functions(self):
        found = tidy.functions(sources.code_only(self.CODE))
        self.assertEqual(found, [("S::S", 7, 5), ("g", 13, 3), ("Thing.DoesIt", 17, 2)])


class Awaits(unittest.TestCase):
    def test_bad(self):
        for code in ("co_await f({1, 2});", "co_await f(Opts{.a = 1});", "c ? co_await f() : g();",
                     "co_await run(pool, [q] { g(q); });", "co_await run(pool, [=]() { g(); });"):
            self.assertTrue(list(tidy.await_problems(code)), code)

    def test_good(self):
        for code in ("co_await f(std::move(opts));", "if (co_await f(x)) { g(); }",
                     "for (auto& x : co_await all()) { h(x); }", "auto [a, b] = co_await (x || y);"):
            self.assertFalse(list(tidy.await_problems(code)), code)


class Words(unittest.TestCase):
    def test_machine_paths(self):
        self.assertTrue(tidy.MACHINE_PATH.search("see /ro" "ot/x"))
        self.assertFalse(tidy.MACHINE_PATH.search("https://example.com/home/x"))

    def test_waiting_is_not_sleeping(self):
        loop = ["def test_x():", "    while f() and now() < deadline:", "        time.sleep(1)"]
        self.assertTrue(tidy.waits_with_deadline(loop, 3))
        self.assertTrue(tidy.waits_with_deadline(["def wait_for(x):", "    time.sleep(1)"], 2))
        self.assertFalse(tidy.waits_with_deadline(["def test_x():", "    time.sleep(1)"], 2))
        self.assertFalse(tidy.waits_with_deadline(["while f():", "    time.sleep(1)"], 2))

    def test_sleep(self):
        self.assertTrue(tidy.SLEEP.search("  time.sleep(1)"))
        self.assertTrue(tidy.SLEEP.search("std::this_thread::sleep_for(1ms);"))


class Docs(unittest.TestCase):
    def test_references(self):
        good, bad = "`src/base/uri.h: percent_encode`", "`base/uri.h: no_such_function`"
        gone = "`src/base/no_such_file.h`"
        self.assertEqual(len(list(check_docs.references("x.md", good))), 0)
        self.assertEqual(len(list(check_docs.references("x.md", bad))), 1)
        self.assertEqual(len(list(check_docs.references("x.md", gone))), 1)

    def test_links(self):
        self.assertEqual(len(list(check_docs.links("README.md", "[x](LICENSE) [y](#here)\n# Here"))), 0)
        self.assertEqual(len(list(check_docs.links("README.md", "[x](NOPE.md) [y](#nope)"))), 2)


if __name__ == "__main__":
    unittest.main(verbosity=0)
