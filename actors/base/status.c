// SPDX-License-Identifier: MIT
#include <hawser/types.h>

const char *hws_status_name(hws_status status)
{
    switch ((int)status) {
#define NAME(name, value, klass, text)                                                             \
    case value:                                                                                    \
        return "HWS_" #name;
        HWS_STATUS_MAP(NAME)
#undef NAME
    default:
        return "HWS_E_?";
    }
}

const char *hws_status_text(hws_status status)
{
    switch ((int)status) {
#define TEXT(name, value, klass, text)                                                             \
    case value:                                                                                    \
        return text;
        HWS_STATUS_MAP(TEXT)
#undef TEXT
    default:
        return "unknown status";
    }
}

hws_class hws_status_class(hws_status status)
{
    switch ((int)status) {
#define CLASS(name, value, klass, text)                                                            \
    case value:                                                                                    \
        return HWS_CLASS_##klass;
        HWS_STATUS_MAP(CLASS)
#undef CLASS
    default:
        return HWS_CLASS_LOCAL;
    }
}

const char *hws_class_name(hws_class klass)
{
    static const char *const names[] = {"OK", "OP", "VIEW", "RUN", "LOCAL"};
    unsigned index = (unsigned)klass;
    return index < sizeof names / sizeof names[0] ? names[index] : "?";
}

const char *hws_redop_name(hws_redop redop)
{
    static const char *const names[] = {"?", "sum", "avg", "prod", "max", "min"};
    unsigned index = (unsigned)redop;
    return index < sizeof names / sizeof names[0] ? names[index] : "?";
}
