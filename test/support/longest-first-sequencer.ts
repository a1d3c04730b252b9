import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Folders whose tests start programs, again and again, and wait for them. */
const LONG = /[/\\]test[/\\](?:faults|e2e|fuzz)[/\\]/u;

/** Begins with the long files, so that at the end no worker is left alone with one. */
export class LongestFirstSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line no-array-sort -- no array is sorted here
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => Number(LONG.test(b.moduleId)) - Number(LONG.test(a.moduleId)));
  }
}
