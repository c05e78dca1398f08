// Command program is packed and run by pack_test.go: it does what needs Go's tables of functions, and ends as it is told.
package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
)

func main() {
	fmt.Println("began")
	switch os.Args[1] {
	case "work":
		work()
	case "exit":
		defer fmt.Println("never said")
		os.Exit(3)
	case "index":
		fmt.Println(divide([]int{1, 2}, len(os.Args)+5))
	case "nil":
		var p *struct{ a, b int }
		fmt.Println(p.b)
	case "map":
		var m map[string]int
		m["a"] = 1
	case "error":
		panic(errors.New("an error of its own"))
	case "conversion":
		var v any = "text"
		fmt.Println(v.(fmt.Stringer))
	case "again":
		defer func() { panic(fmt.Sprint("again: ", recover())) }()
		panic("once")
	case "deadlock":
		select {}
	}
}

func divide(list []int, i int) int { return list[i] / list[0] }

// deep needs a stack that grows, which is moved, with pointers into it.
func deep(n int) int {
	var here [16]int
	at := &here[n%16]
	*at = n
	if n > 0 {
		*at += deep(n - 1)
	}
	return *at%1000 + here[(n+1)%16]
}

// work allocates and collects with many stacks alive, moves stacks, defers, panics and recovers, and calls by reflection.
func work() {
	var wg sync.WaitGroup
	results := make([]string, 8)
	for i := range results {
		wg.Go(func() { results[i] = fmt.Sprint(deep(1000+i), " ", garbage(20+i), " ", recovered(i)) })
	}
	for range 5 {
		runtime.GC()
		runtime.Gosched()
	}
	wg.Wait()
	fmt.Println(strings.Join(results, "\n"))
	value := reflect.MakeFunc(reflect.TypeFor[func(int) string](), func(args []reflect.Value) []reflect.Value {
		runtime.GC()
		return []reflect.Value{reflect.ValueOf(fmt.Sprint(deep(500), args[0].Int()))}
	})
	fmt.Println(value.Call([]reflect.Value{reflect.ValueOf(7)})[0])
	fmt.Println(reflect.ValueOf(strings.NewReader("method")).MethodByName("Len").Interface().(func() int)())
	ended := make(chan string)
	go func() {
		defer func() { ended <- "deferred in Goexit" }()
		runtime.Goexit()
	}()
	fmt.Println(<-ended)
}

func garbage(n int) int {
	kept := map[string][]*int{}
	for i := range n * 500 {
		key := fmt.Sprint(i % 37)
		v := i
		kept[key] = append(kept[key], &v)
		if i%1000 == 0 {
			runtime.GC()
		}
	}
	sum := 0
	for _, list := range kept {
		for _, p := range list {
			sum += *p
		}
	}
	return sum
}

func recovered(i int) (said string) {
	for k := range 3 {
		defer func() { said += fmt.Sprint(" deferred ", k) }()
	}
	defer func() { said = fmt.Sprint(recover()) }()
	return fmt.Sprint(divide([]int{0, 1}, i))
}
