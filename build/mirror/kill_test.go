package mirror

const childDir = "STELE_TEST_MIRROR"

func runChild() int { return 0 }
