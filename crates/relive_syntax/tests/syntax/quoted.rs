//! Lines that go on with a string: their blanks are no indentation.

use relive_syntax::lines_in_strings;

fn check(text: &str, expected: &[u32]) {
    let found: Vec<u32> = lines_in_strings(text).into_iter().collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn lines_of_code_are_none() {
    check("x = 1\ny = [\n  1,\n]\n", &[]);
    check("x = 'a' \\\n  'b'\n", &[]);
    check("# '''\nx = 1\n# '''\n", &[]);
}

#[test]
fn strings_of_several_lines_are() {
    check("x = '''\na\n'''\ny = 1\n", &[2, 3]);
    check("x = \"\"\"a\n\n  b\"\"\" + '''\n'''\n", &[2, 3, 4]);
    check("x = 'a\\\n  b'\ny = '''c'''\n", &[2]);
    check("x = b'''\n''', r'''\n'''\n", &[2, 3]);
}

#[test]
fn fields_in_a_string_belong_to_it() {
    check("x = f'''\n{a\n  }\n'''\ny = (\n  1)\n", &[2, 3, 4]);
    check("x = f'''{f\"\"\"\n{a}\n\"\"\"}\n'''\n", &[2, 3, 4]);
}

#[test]
fn a_text_may_be_indented_and_need_not_be_python() {
    check(
        "    def f():\n        '''\n    a\n        '''\n    else\n",
        &[3, 4],
    );
}
