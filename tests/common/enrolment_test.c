/* tests/common/enrolment_test.c - the proofs of an enrolment against fixed values. These were made with the Argon2
 * reference library and Python's hashlib and hmac, and stand in proto/README.md too. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/bytes.h"
#include "common/enrolment.h"
#include "common/error.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void assert_hex(const uint8_t *bytes, size_t length, const char *expected)
{
    char hex[129];
    bytes_to_hex(bytes, length, hex);
    assert_string_equal(hex, expected);
}

static void fill(uint8_t *bytes, size_t length, uint8_t first)
{
    for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)(first + i);
}

static void test_key(void **state)
{
    static const struct {
        const char *code;
        uint8_t salt_first;
        uint32_t memory_kib, passes;
        const char *key;
    } CASES[] = {
        {"K7QMZ2XHWP", 0x00, ENROLMENT_MEMORY_KIB, ENROLMENT_PASSES,
         "2c181937503808b8db368d3470fbf62e004a435a56ee3c1dcf8dcb54ad923dd4"},
        {"ABCDEFGH23", 0xf0, 8192, 2, "a466d52f5d7f489f68e784c6a949bfbc99647ac0a36cdcf33967ff07e65b5883"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        uint8_t salt[ENROLMENT_SALT_BYTES], key[ENROLMENT_KEY_BYTES];
        fill(salt, sizeof salt, CASES[i].salt_first);
        assert_int_equal(enrolment_key(CASES[i].code, salt, CASES[i].memory_kib, CASES[i].passes, key), 0);
        assert_hex(key, sizeof key, CASES[i].key);
    }
}

static void key_and_rest(uint8_t key[32], uint8_t exporter[32], uint8_t fingerprint[32])
{
    static const uint8_t KEY[] = {0x2c, 0x18, 0x19, 0x37, 0x50, 0x38, 0x08, 0xb8, 0xdb, 0x36, 0x8d,
                                  0x34, 0x70, 0xfb, 0xf6, 0x2e, 0x00, 0x4a, 0x43, 0x5a, 0x56, 0xee,
                                  0x3c, 0x1d, 0xcf, 0x8d, 0xcb, 0x54, 0xad, 0x92, 0x3d, 0xd4};
    memcpy(key, KEY, sizeof KEY);
    fill(exporter, 32, 0x20);
    assert_int_equal(certificate_fingerprint((const uint8_t *)"authority", 9, fingerprint), 0);
}

static void test_proofs(void **state)
{
    uint8_t key[32], exporter[32], fingerprint[32], proof[32];
    (void)state;
    key_and_rest(key, exporter, fingerprint);
    assert_hex(fingerprint, 32, "8f76fd501bb68ef71f4e276bc28f29bce1003b0c2c9d9478de81b5bfc0cde1e9");
    assert_int_equal(enrolment_proof(key, ENROLMENT_TERMINAL, exporter, fingerprint, proof), 0);
    assert_hex(proof, 32, "b466d01435f969e130cf1adb219f9770c742cbc1da9b91a111683d106ca81efa");
    assert_int_equal(enrolment_proof(key, ENROLMENT_SERVER, exporter, fingerprint, proof), 0);
    assert_hex(proof, 32, "c3628f976916554138127d4ad6ecc45e70cad3b02558707cff9ed3d3cc9e2fee");
}

/* Each of the four inputs counts. */
static void test_proof_depends_on_everything(void **state)
{
    uint8_t inputs[3][32], proof[32], other[32];
    (void)state;
    key_and_rest(inputs[0], inputs[1], inputs[2]);
    assert_int_equal(enrolment_proof(inputs[0], ENROLMENT_TERMINAL, inputs[1], inputs[2], proof), 0);
    for (int i = 0; i < 3; i++) {
        inputs[i][31] ^= 1;
        assert_int_equal(enrolment_proof(inputs[0], ENROLMENT_TERMINAL, inputs[1], inputs[2], other), 0);
        assert_memory_not_equal(proof, other, sizeof proof);
        inputs[i][31] ^= 1;
    }
}

static void test_check_number(void **state)
{
    static const struct {
        const char *request, *number;
    } CASES[] = {{"request", "645456"}, {"", "014847"}, {"request 60", "635975"}, {"r385", "000832"}};
    uint8_t key[32], exporter[32], fingerprint[32];
    (void)state;
    key_and_rest(key, exporter, fingerprint);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char number[7];
        const uint8_t *request = (const uint8_t *)CASES[i].request;
        assert_int_equal(enrolment_check_number(exporter, fingerprint, request, strlen(CASES[i].request), number), 0);
        assert_string_equal(number, CASES[i].number);
    }
}

static void test_request_is_signed_by_its_own_key(void **state)
{
    struct der request, key;
    (void)state;
    assert_int_equal(enrolment_request_new(&request, &key), 0);
    const unsigned char *at = request.bytes;
    X509_REQ *req = d2i_X509_REQ(NULL, &at, (long)request.length);
    assert_non_null(req);
    assert_ptr_equal(at, request.bytes + request.length);
    at = key.bytes;
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &at, (long)key.length);
    assert_non_null(pkey);
    assert_int_equal(X509_REQ_verify(req, pkey), 1);
    assert_int_equal(X509_REQ_verify(req, X509_REQ_get0_pubkey(req)), 1);

    struct der other, other_key;
    assert_int_equal(enrolment_request_new(&other, &other_key), 0);
    assert_false(key.length == other_key.length && memcmp(key.bytes, other_key.bytes, key.length) == 0);
    EVP_PKEY_free(pkey);
    X509_REQ_free(req);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_proofs),
        cmocka_unit_test(test_proof_depends_on_everything),
        cmocka_unit_test(test_check_number),
        cmocka_unit_test(test_request_is_signed_by_its_own_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
