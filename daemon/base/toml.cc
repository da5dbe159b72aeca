/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "toml.h"

#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <toml++/toml.h>

namespace
{

/* Deeper than any file that is read here, and far from the limits of whoever reads the JSON. */
constexpr unsigned max_depth = 16;

struct Refusal {
        const char *problem;
        unsigned line;
};

unsigned line_of(const toml::node &node)
{
        return static_cast<unsigned>(node.source().begin.line);
}

void write_string(std::string &out, std::string_view text, unsigned line)
{
        out += '"';
        for (const char c : text) {
                const auto byte = static_cast<unsigned char>(c);
                if (byte == 0)
                        throw Refusal{"a string holds the character zero", line};
                if (c == '"' || c == '\\') {
                        out += '\\';
                        out += c;
                } else if (byte < 0x20 || byte == 0x7f) {
                        char escaped[8];
                        std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
                        out += escaped;
                } else {
                        out += c;
                }
        }
        out += '"';
}

void write_node(std::string &out, const toml::node &node, unsigned depth);

void write_table(std::string &out, const toml::table &table, unsigned depth)
{
        out += "\"table\":{";
        bool first = true;
        for (const auto &[key, value] : table) {
                if (!first)
                        out += ',';
                first = false;
                write_string(out, key.str(), line_of(value));
                out += ':';
                write_node(out, value, depth + 1);
        }
        out += '}';
}

void write_array(std::string &out, const toml::array &array, unsigned depth)
{
        out += "\"array\":[";
        bool first = true;
        for (const auto &value : array) {
                if (!first)
                        out += ',';
                first = false;
                write_node(out, value, depth + 1);
        }
        out += ']';
}

void write_node(std::string &out, const toml::node &node, unsigned depth)
{
        const unsigned line = line_of(node);
        if (depth > max_depth)
                throw Refusal{"too many levels", line};
        out += "{\"line\":" + std::to_string(line) + ',';
        if (const auto *table = node.as_table(); table != nullptr) {
                write_table(out, *table, depth);
        } else if (const auto *array = node.as_array(); array != nullptr) {
                write_array(out, *array, depth);
        } else if (const auto *string = node.as_string(); string != nullptr) {
                out += "\"string\":";
                write_string(out, string->get(), line);
        } else if (const auto *boolean = node.as_boolean(); boolean != nullptr) {
                out += boolean->get() ? "\"boolean\":true" : "\"boolean\":false";
        } else if (const auto *integer = node.as_integer(); integer != nullptr) {
                out += "\"integer\":" + std::to_string(integer->get());
        } else {
                out += "\"other\":\"";
                out += node.is_floating_point() ? "float" : "time";
                out += '"';
        }
        out += '}';
}

} // namespace

/* No exception leaves: the callers are C. */
extern "C" char *sc_toml_to_json(const char *text, size_t size, char **ret_problem, unsigned *ret_line)
{
        *ret_problem = nullptr;
        *ret_line = 0;
        try {
                const toml::table root = toml::parse(std::string_view(text, size));
                std::string out;
                write_node(out, root, 0);
                return strdup(out.c_str());
        } catch (const toml::parse_error &error) {
                *ret_line = static_cast<unsigned>(error.source().begin.line);
                *ret_problem = strdup(std::string(error.description()).c_str());
        } catch (const Refusal &refusal) {
                *ret_line = refusal.line;
                *ret_problem = strdup(refusal.problem);
        } catch (const std::exception &error) {
                *ret_problem = strdup(error.what());
        }
        return nullptr;
}
