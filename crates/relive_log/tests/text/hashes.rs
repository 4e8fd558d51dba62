//! Hashes of texts, by which a log tells whether a source still says what it did.

use relive_log::text_hash;

#[test]
fn a_hash_is_what_the_format_says() {
    let plain = blake3::hash(b"def f():\n    return 1");
    let first: String = plain.to_hex().chars().take(16).collect();
    assert_eq!(text_hash("def f():\n    return 1\n").to_string(), first);
}

#[test]
fn indentation_line_ends_and_blanks_at_line_ends_do_not_count() {
    let hash = text_hash("def f():\n    return 1\n");
    for same in [
        "def f():\n    return 1",
        "def f():\r\n    return 1\r\n",
        "def f():\r    return 1\r",
        "    def f():\n        return 1\n",
        "\tdef f():\n\t    return 1\n",
        "def f():  \n    return 1\t\n\n  \n",
    ] {
        assert_eq!(text_hash(same), hash, "{same:?}");
    }
}

#[test]
fn layout_and_comments_count() {
    let texts = [
        "def f():\n    return 1\n",
        "def f():\n  return 1\n",
        "def f():\n\n    return 1\n",
        "def f():\n    return 1  # one\n",
        "\ndef f():\n    return 1\n",
        "",
    ];
    let hashes: std::collections::BTreeSet<_> = texts.into_iter().map(text_hash).collect();
    assert_eq!(hashes.len(), texts.len());
}
