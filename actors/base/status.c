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

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = {
    [HWS_U8] = {"u8", 1},     [HWS_I8] = {"i8", 1},   [HWS_U16] = {"u16", 2},
    [HWS_I16] = {"i16", 2},   [HWS_U32] = {"u32", 4}, [HWS_I32] = {"i32", 4},
    [HWS_U64] = {"u64", 8},   [HWS_I64] = {"i64", 8}, [HWS_F16] = {"f16", 2},
    [HWS_BF16] = {"bf16", 2}, [HWS_F32] = {"f32", 4}, [HWS_F64] = {"f64", 8},
};

size_t hws_dtype_bytes(hws_dtype dtype)
{
    unsigned index = (unsigned)dtype;
    return index < sizeof dtypes / sizeof dtypes[0] ? dtypes[index].bytes : 0;
}

const char *hws_dtype_name(hws_dtype dtype)
{
    return hws_dtype_bytes(dtype) ? dtypes[dtype].name : "?";
}

const char *hws_redop_name(hws_redop redop)
{
    static const char *const names[] = {"?", "sum", "avg", "prod", "max", "min"};
    unsigned index = (unsigned)redop;
    return index < sizeof names / sizeof names[0] ? names[index] : "?";
}
