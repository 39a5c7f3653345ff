// In the manner of Conventional Commits; the changes of a release are made of the first lines.
export default {
  extends: ['@commitlint/config-conventional'],
  rules: {
    'type-enum': [
      2,
      'always',
      ['feat', 'fix', 'perf', 'docs', 'refactor', 'test', 'build', 'ci', 'chore', 'revert'],
    ],
    // They tell what a user sees, which takes some words.
    'header-max-length': [2, 'always', 150],
    'body-max-line-length': [0],
    'footer-max-line-length': [0],
    'subject-case': [0],
  },
};
